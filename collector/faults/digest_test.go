package faults_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/realdigest"
)

// challenged responds to every request with 401 and these WWW-Authenticate lines.
func challenged(lines ...string) simulator.Answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range lines {
			w.Header().Add("WWW-Authenticate", line)
		}
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// nonces is a simulator with unusual nonces.
func nonces(n simulator.Nonce) func(scene) target {
	return func(s scene) target { return target{url: s.simulate(simulator.Options{Nonce: n}).URL()} }
}

// challenges is a simulator with unusual challenges that can be answered.
func challenges(c simulator.Challenge) func(scene) target {
	return func(s scene) target { return target{url: s.simulate(simulator.Options{Challenge: c}).URL()} }
}

// lines is a simulator with these WWW-Authenticate lines, where %s is the nonce.
func lines(formats ...string) func(scene) target {
	return challenges(simulator.Challenge{Lines: func(nonce string, stale bool) []string {
		var all []string
		for _, format := range formats {
			if strings.Contains(format, "%s") {
				format = fmt.Sprintf(format, nonce) + fmt.Sprintf(", stale=%t", stale)
			}
			all = append(all, format)
		}
		return all
	}})
}

// clocked is a simulator with a wrong clock.
func clocked(now func() time.Time) func(scene) target {
	return func(s scene) target { return target{url: s.simulate(simulator.Options{Now: now}).URL()} }
}

// revoked is a target that rejects the API key until it is mended.
func revoked(s scene) target {
	server := s.simulate(simulator.Options{})
	server.RemoveKey(publicKey)
	return target{url: server.URL(), mend: func() { server.SetKey(publicKey, privateKey) }}
}

// forgetful is a target that forgets all nonces at each response.
func forgetful(s scene) target {
	server := s.simulate(simulator.Options{})
	for _, org := range s.orgs {
		server.SetOrg(org, simulator.Org{Answer: func(w http.ResponseWriter, r *http.Request) {
			server.ForgetNonces()
			simulator.Status("SYNCED")(w, r)
		}})
	}
	return target{url: server.URL()}
}

// behind is a real server with digest authentication in front of a handler that responds
// with SYNCED.
func behind(start func(testing.TB, realdigest.Options) *realdigest.Server, oneTime bool) func(scene) target {
	return func(s scene) target {
		server := start(s, realdigest.Options{
			Backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { simulator.Status("SYNCED")(w, r) }),
			Keys:    map[string]string{publicKey: privateKey}, NonceLifetime: 2 * time.Second, OneTimeNonces: oneTime,
		})
		return target{url: server.URL}
	}
}

func digestFaults() []fault {
	const good = `Digest realm="MMS Public API", domain="", nonce="%s", algorithm=MD5, qop="auth"`
	const fixed = `Digest realm="MMS Public API", nonce="I+xG4xb7bUgq8uMBCuAxZPI+VDDcJ9q1", `
	var jumps atomic.Int64
	return []fault{
		{name: "no challenge", want: "unauthorized", before: challenged()},
		{name: "empty challenge", want: "unauthorized", before: challenged("")},
		{name: "only Basic", want: "unauthorized", before: challenged(`Basic realm="x"`)},
		{name: "Negotiate and NTLM", want: "unauthorized", before: challenged("Negotiate", "NTLM")},
		{name: "Bearer", want: "unauthorized", before: challenged(`Bearer realm="x", scope="y"`)},
		{name: "only the Digest scheme", want: "unauthorized", before: challenged("Digest")},
		{name: "nonsense", want: "unauthorized", before: challenged(`=,"="`)},
		{name: "unclosed quote", want: "unauthorized", before: challenged(`Digest realm="x, nonce=y, qop=auth`)},
		{name: "no nonce", want: "unauthorized", before: challenged(`Digest realm="x", qop="auth"`)},
		{name: "empty nonce", want: "unauthorized", before: challenged(`Digest realm="x", nonce="", qop="auth"`)},
		{name: "two nonces", want: "unauthorized", before: challenged(fixed + `nonce="y", qop="auth"`)},
		{name: "no qop", want: "unauthorized", before: challenged(fixed + `algorithm=MD5`)},
		{name: "only auth-int", want: "unauthorized", before: challenged(fixed + `qop="auth-int"`)},
		{name: "MD5-sess", want: "unauthorized", before: challenged(fixed + `qop="auth", algorithm=MD5-sess`)},
		{name: "userhash", want: "unauthorized", before: challenged(fixed + `qop="auth", userhash=true`)},
		{name: "unknown algorithm", want: "unauthorized", before: challenged(fixed + `qop="auth", algorithm=SHA3-512`)},
		{name: "never satisfied", want: "unauthorized", before: challenged(fixed + `qop="auth", stale=false`)},
		{name: "never satisfied, stale", want: "nonce", before: challenged(fixed + `qop="auth", stale=true`)},
		{name: "header of 100 KiB", want: "bad_response", before: challenged(fixed + `qop="auth", x="` + strings.Repeat("x", 100<<10) + `"`)},
		{name: "a thousand challenges", want: "unauthorized", before: challenged(strings.Split(strings.Repeat("Basic,", 1000), ",")...)},
		{name: "Proxy-Authenticate instead", want: "unauthorized", before: raw("HTTP/1.1 401 No\r\nProxy-Authenticate: "+fixed+"qop=\"auth\"\r\nContent-Length: 0\r\n\r\n", closed)},
		{name: "challenge in a 403", want: "forbidden", before: raw("HTTP/1.1 403 No\r\nWWW-Authenticate: "+fixed+"qop=\"auth\"\r\nContent-Length: 0\r\n\r\n", closed)},
		{name: "challenge in a 407", want: "bad_response", before: raw("HTTP/1.1 407 No\r\nProxy-Authenticate: "+fixed+"qop=\"auth\"\r\nContent-Length: 0\r\n\r\n", closed)},

		{name: "op instead of qop", want: "1", target: challenges(simulator.Challenge{OpMisprint: true})},
		{name: "charset", want: "1", target: challenges(simulator.Challenge{Charset: true})},
		{name: "with Basic", want: "1", target: challenges(simulator.Challenge{WithBasic: true})},
		{name: "Basic in the same line", want: "1", target: challenges(simulator.Challenge{OneLine: true})},
		{name: "SHA-256", want: "1", target: challenges(simulator.Challenge{Algorithm: "SHA-256"})},
		{name: "empty body", want: "1", target: challenges(simulator.Challenge{EmptyBody: true})},
		{name: "body of Cloud Manager", want: "1", target: challenges(simulator.Challenge{CloudManagerBody: true})},
		{name: "another origin's domain", want: "1", target: lines(strings.Replace(good, `domain=""`, `domain="`+elsewhere+`"`, 1))},
		{name: "with a weaker challenge", want: "1", target: lines(`Digest realm="MMS Public API", nonce="x", algorithm=MD5`, good)},
		{name: "with one that cannot be answered", want: "1", target: lines(good, `Digest realm="x", nonce="y", qop="auth-int", algorithm=SHA-256`)},
		{name: "case and white space", want: "1", target: lines("dIGEST\tREALM = \"MMS Public API\" ,\tNONCE=\"%s\" ,, QOP=auth")},
		{name: "unknown directives", want: "1", target: lines(good + `, rspauth="", x=y/_z`)},
		{name: "auth among others", want: "1", target: lines(strings.Replace(good, `qop="auth"`, `qop="auth-int,auth"`, 1))},

		{name: "endless stale", want: "nonce", target: nonces(simulator.Nonce{AlwaysStale: true})},
		{name: "one-time nonces", want: "1", target: nonces(simulator.Nonce{OneTime: true})},
		{name: "strictly rising counts", want: "1", target: nonces(simulator.Nonce{StrictCount: true})},
		{name: "nonces for one use", want: "1", target: nonces(simulator.Nonce{Uses: 2})},
		{name: "nonces of half a second", want: "1", target: nonces(simulator.Nonce{Lifetime: 500 * time.Millisecond})},
		{name: "nonces of no time", want: "nonce", target: nonces(simulator.Nonce{Lifetime: 1})},
		{name: "two back ends", want: "1", target: func(s scene) target {
			t := nonces(simulator.Nonce{BackEnds: 2})(s)
			t.settings = "max_concurrent_requests: 1" // otherwise the back end of a request is random
			return t
		}},
		{name: "three back ends by connection", want: "1", target: nonces(simulator.Nonce{BackEnds: 3, PerConnection: true})},
		{name: "nonces forgotten each time", want: "1", target: forgetful},
		{name: "clock in another century", want: "1", target: clocked(func() time.Time { return time.Now().AddDate(-100, 0, 0) })},
		{name: "clock of the future", want: "1", target: clocked(func() time.Time { return time.Now().AddDate(100, 0, 0) })},
		{name: "clock that jumps", want: "1", target: clocked(func() time.Time {
			return time.Now().Add(time.Duration(jumps.Add(1)/8) * 50 * time.Second)
		})},
		{name: "key revoked", want: "unauthorized", target: revoked},
		{name: "Apache, one-time nonces", want: "1", program: true, target: behind(realdigest.StartApache, true)},
		{name: "Jetty", want: "1", program: true, target: behind(realdigest.StartJetty, false)},
		{name: "long nonces", want: "1", target: func(s scene) target { return longNonces(s, 4<<10) }},
	}
}

// longNonces issues nonces of a few KiB, like servers that store their state in them, and
// accepts any response to one.
func longNonces(s scene, size int) target {
	random := make([]byte, size)
	_, _ = rand.Read(random)
	nonce := base64.StdEncoding.EncodeToString(random)
	server := s.simulate(simulator.Options{})
	for _, org := range s.orgs {
		server.SetOrg(org, simulator.Org{BeforeAuth: func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Authorization"), `nonce="`+nonce+`"`) {
				simulator.Status("SYNCED")(w, r)
				return
			}
			challenged(`Digest realm="MMS Public API", nonce="`+nonce+`", qop="auth"`)(w, r)
		}})
	}
	return target{url: server.URL()}
}
