package faults_test

import (
	"bufio"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
)

// doubling starts a proxy in front of a server and returns its URL. The proxy repeats every
// one-th response after the delay late.
func doubling(s scene, url string, one int64, late time.Duration) string {
	s.Helper()
	var answers atomic.Int64
	server := strings.TrimPrefix(url, "http://")
	return "http://" + listener(s, func(client net.Conn) {
		up, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer up.Close()
		var all sync.WaitGroup
		defer all.Wait()
		all.Go(func() {
			_, _ = io.Copy(up, client)
			up.Close() // the client has disconnected
		})
		in := bufio.NewReader(up)
		for {
			answer, err := readAnswer(in)
			if err != nil {
				client.Close()
				return
			}
			if _, err := client.Write(answer); err != nil {
				continue // until the server notices too
			}
			if answers.Add(1)%one != 0 {
				continue
			}
			all.Go(func() {
				time.Sleep(late)
				_, _ = client.Write(answer)
			})
		}
	})
}

// readAnswer reads one response with a Content-Length and returns its raw bytes.
func readAnswer(in *bufio.Reader) ([]byte, error) {
	var answer strings.Builder
	length := 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		answer.WriteString(line)
		name, value, _ := strings.Cut(line, ":")
		if textproto.CanonicalMIMEHeaderKey(name) == "Content-Length" {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return nil, err
			}
		}
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	_, err := io.CopyN(&answer, in, int64(length))
	return []byte(answer.String()), err
}

// TestAnswersTwice counts the wrong values behind a load balancer that sends responses
// twice, the second time 1 ms later: it is taken for the response to the next request on
// the connection, which HTTP/1.1 cannot detect. Without connection reuse there is no next
// request, and no wrong value.
func TestAnswersTwice(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	const orgs = 50
	scrapes := ci.Amount(30, 100, 100)
	for _, tt := range []struct {
		name, settings string
		one            int64
		mayBeWrong     bool
	}{
		{"each answer", "", 1, true},
		{"one in a hundred", "", 100, true},
		{"each answer, connections not reused", "reuse_connections: false", 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			servers := backEnds(t, 1, 0, simulator.Options{})
			for i := range orgs {
				servers[0].SetOrg(healthyOrg(i), simulator.Org{Answer: simulator.Status(healthyStatus(i)), Delay: 5 * time.Millisecond})
			}
			front := doubling(scene{T: t}, servers[0].URL(), tt.one, time.Millisecond)
			url := serveExporter(t, "ops_managers:\n"+manager("om", target{url: front, settings: tt.settings}, ids(orgs, healthyOrg)...))
			sum := take(t, url, scrapes, orgs)
			t.Logf("%d values are wrong; %v", sum.wrong, sum)
			if sum.wrong > 0 && !tt.mayBeWrong {
				t.Errorf("%d values are wrong; %v", sum.wrong, sum)
			}
		})
	}
}
