package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"opsmanager_exporter/collector/opsmanager/simulator"
)

// The names that the resolver of these tests knows, with addresses or a fault.
var (
	moved   atomic.Bool  // moved.test has changed to another host
	silent  atomic.Int64 // names that get no answer
	dnsZone = map[string]func(q dnsmessage.Question) (dnsmessage.RCode, []string){
		"loopback.test": always("127.0.0.1"),
		"v6.test":       always("::1"),
		"both.test":     always("::1", "127.0.0.1"),
		"many.test":     always("127.0.0.9", "127.0.0.8", "127.0.0.7", "127.0.0.1"),
		"empty.test":    always(),
		"moved.test": func(dnsmessage.Question) (dnsmessage.RCode, []string) {
			if moved.Load() {
				return dnsmessage.RCodeSuccess, []string{"127.0.0.3"}
			}
			return dnsmessage.RCodeSuccess, []string{"127.0.0.2"}
		},
		"servfail.test": fails(dnsmessage.RCodeServerFailure),
		"refused.test":  fails(dnsmessage.RCodeRefused),
		"nxdomain.test": fails(dnsmessage.RCodeNameError),
		"notimp.test":   fails(dnsmessage.RCodeNotImplemented),
		"formerr.test":  fails(dnsmessage.RCodeFormatError),
	}
)

func always(addresses ...string) func(dnsmessage.Question) (dnsmessage.RCode, []string) {
	return func(dnsmessage.Question) (dnsmessage.RCode, []string) { return dnsmessage.RCodeSuccess, addresses }
}

func fails(code dnsmessage.RCode) func(dnsmessage.Question) (dnsmessage.RCode, []string) {
	return func(dnsmessage.Question) (dnsmessage.RCode, []string) { return code, nil }
}

// resolver is Go's resolver with nameServer, connected by a pipe.
func resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(_ context.Context, _, _ string) (net.Conn, error) {
		if unreachable.Load() {
			return nil, errors.New("the name server is not to be reached")
		}
		ours, theirs := net.Pipe()
		go nameServer(theirs)
		return ours, nil
	}}
}

var (
	unreachable atomic.Bool
	over        = make(chan struct{}) // closed after the tests
)

// nameServer answers queries. On a connection that is not a packet connection, they are
// preceded by their length (RFC 1035, section 4.2.2).
func nameServer(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	for {
		var length [2]byte
		if _, err := c.Read(length[:1]); err != nil {
			return
		}
		if _, err := c.Read(length[1:]); err != nil {
			return
		}
		query := make([]byte, int(length[0])<<8|int(length[1]))
		for read := 0; read < len(query); {
			n, err := c.Read(query[read:])
			if err != nil {
				return
			}
			read += n
		}
		answer := resolve(query)
		if answer == nil {
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_, _ = c.Read(length[:])
			}()
			select { // until the client no longer waits
			case <-gone:
			case <-over:
			}
			return
		}
		if _, err := c.Write(append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...)); err != nil {
			return
		}
	}
}

// resolve returns the answer to a query, or nil for none.
func resolve(query []byte) []byte {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	switch {
	case strings.HasSuffix(name, ".silent.test"):
		return nil
	case name == "garbage.test":
		return []byte("this is no answer of a name server")
	}
	code, addresses := dnsmessage.RCodeNameError, []string(nil)
	if entry, ok := dnsZone[name]; ok {
		code, addresses = entry(q)
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true, RecursionAvailable: true, RCode: code})
	if err := errors.Join(b.StartQuestions(), b.Question(q), b.StartAnswers()); err != nil {
		return nil
	}
	for _, address := range addresses {
		ip := netip.MustParseAddr(address)
		h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0}
		switch {
		case q.Type == dnsmessage.TypeA && ip.Is4():
			err = b.AResource(h, dnsmessage.AResource{A: ip.As4()})
		case q.Type == dnsmessage.TypeAAAA && ip.Is6():
			err = b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: ip.As16()})
		}
		if err != nil {
			return nil
		}
	}
	message, err := b.Finish()
	if err != nil {
		return nil
	}
	return message
}

// TestNameThatMoves changes the address of a name after the first host has gone, and makes
// the name server unavailable for a while: polls on existing connections continue, and the
// first scrape afterwards succeeds.
func TestNameThatMoves(t *testing.T) {
	w := newWorld(t, 2)
	w.timeout = patient
	s := scene{t, []string{faultOrg(0)}}
	first := s.simulate(simulator.Options{Address: "127.0.0.2:0"})
	address := strings.TrimPrefix(first.URL(), "http://127.0.0.2")
	w.load(t, nil, manager("moving", target{url: "http://moved.test" + address}, s.orgs...))
	expect := func(when, want string) {
		t.Helper()
		if got := w.scrape(t).State(t, s.orgs[0]); got != want {
			t.Errorf("%s: got %s, want %s", when, got, want)
		}
	}
	expect("at first", "1")
	unreachable.Store(true)
	expect("without a name server, on the kept connection", "1")
	first.Restart()
	expect("without a name server and without a connection", "dns")
	unreachable.Store(false)
	expect("with the name server", "1")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	expect("with the host gone", "connect")
	second := s.simulate(simulator.Options{Address: "127.0.0.3" + address})
	second.SetOrg(s.orgs[0], simulator.Org{Answer: simulator.Status("NOT_SYNCED")})
	expect("before the name has moved", "connect")
	moved.Store(true)
	expect("after", "0")
	moved.Store(false)
	second.Restart()
	expect("back to the first host, which is gone", "connect")
}

// named is a simulator that is configured by host name.
func named(name, address string) func(scene) target {
	return func(s scene) target {
		server := s.simulate(simulator.Options{Address: address})
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL(), "http://"))
		return target{url: "http://" + net.JoinHostPort(name, port)}
	}
}

func dnsFaults() []fault {
	return append(ipv6Faults(fault{name: "name with only IPv6", want: "1", target: named("v6.test", "[::1]:0")}), []fault{
		{name: "no such host", want: "dns", target: at("http://nxdomain.test")},
		{name: "no such host, TLS", want: "dns", target: at("https://nxdomain.test")},
		{name: "name server fails", want: "dns", target: at("http://servfail.test")},
		{name: "name server refuses", want: "dns", target: at("http://refused.test")},
		{name: "name server cannot", want: "dns", target: at("http://notimp.test")},
		{name: "name server calls it malformed", want: "dns", target: at("http://formerr.test")},
		{name: "name without address", want: "dns", target: at("http://empty.test")},
		{name: "name server returns garbage", want: "dns", target: at("http://garbage.test")},
		{name: "name server is silent", want: "timeout", target: func(scene) target {
			// A new name each time: package net joins a lookup that is still in progress.
			return target{url: fmt.Sprintf("http://n%d.silent.test", silent.Add(1))}
		}},
		{name: "name too long", want: "dns", target: at("http://" + strings.Repeat("x", 70) + ".test")},
		{name: "no such proxy", want: "dns", target: func(scene) target {
			return target{url: "https://192.0.2.1", settings: "proxy_url: http://nxdomain.test:3128"}
		}},
		{name: "name resolves", want: "1", target: named("loopback.test", "127.0.0.1:0")},
		{name: "IPv6 refuses, IPv4 answers", want: "1", target: named("both.test", "127.0.0.1:0")},
		{name: "first addresses refuse", want: "1", target: named("many.test", "127.0.0.1:0")},
	}...)
}
