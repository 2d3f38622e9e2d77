package opsmanager_test

import (
	"crypto/tls"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
)

var expiry = regexp.MustCompile(`expires [0-9TZ:-]+ \(in [0-9]+ days\)`)

// steps returns the steps of a poll, with ADDRESS for its server and WHEN for dates.
func (r *rig) steps(t testing.TB) []string {
	var steps []string
	ctx := opsmanager.WithTrace(t.Context(), func(step string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		steps = append(steps, expiry.ReplaceAllString(loopback.ReplaceAllString(step, "ADDRESS"), "expires WHEN"))
	})
	_, _ = r.read(ctx, keyOf(testPublic, testPrivate), testOrg)
	r.mu.Lock()
	defer r.mu.Unlock()
	return steps
}

func TestTrace(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Org{Answer: simulator.Sequence(simulator.Status("SYNCED"), simulator.Reset(), simulator.Status("SYNCED"))})
	still(t, func(t *testing.T) {
		r := newRig(t, s.URL(), nil)
		for _, want := range [][]string{{
			"request without credentials",
			"  connect to ADDRESS",
			"  connected to ADDRESS",
			"  HTTP 401, 106 bytes: a digest challenge",
			"request with digest credentials",
			"  reused connection to ADDRESS, idle for 0s",
			"  HTTP 200, 20 bytes: a response",
			"body: a JSON object with 1 member, status is a string",
		}, {
			"request with digest credentials",
			"  reused connection to ADDRESS, idle for 0s",
			"  the reused connection broke; retrying on a new one",
			"request with digest credentials",
			"  connect to ADDRESS",
			"  connected to ADDRESS",
			"  HTTP 200, 20 bytes: a response",
			"body: a JSON object with 1 member, status is a string",
		}} {
			if got := r.steps(t); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

func TestTraceOfNameAndTLS(t *testing.T) {
	ca := authority.New(t)
	s := simulate(t, simulator.Options{TLS: ca.Server(t)}, simulator.Org{})
	r := newRig(t, strings.Replace(s.URL(), "127.0.0.1", "localhost", 1), func(o *opsmanager.Options) { o.NewConnectionPerRequest = true })
	trust := ca.Trust()
	trust.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	r.SetTLS(trust)
	got := strings.Join(r.steps(t), "\n")
	for _, want := range []string{
		"request without credentials\n  resolve localhost\n  resolved to ", "127.0.0.1",
		"\n  connected to ADDRESS\n  TLS 1.3; the certificate expires WHEN\n  HTTP 401, ",
		"\n  connected to ADDRESS\n  TLS 1.3, resumed; the certificate expires WHEN\n  HTTP 200, ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// What failed is not told as done.
func TestTraceOfFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		url  string
		want []string
	}{
		"name":       {"http://nonexistent.invalid", []string{"request without credentials", "  resolve nonexistent.invalid"}},
		"connection": {"http://127.0.0.1:1", []string{"request without credentials", "  connect to ADDRESS"}},
		"handshake":  {"https://" + listen(t, func(net.Conn, int) {}), []string{"request without credentials", "  connect to ADDRESS", "  connected to ADDRESS"}},
	} {
		if got := newRig(t, tt.url, nil).steps(t); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// Bodies are described, not quoted.
func TestTraceOfBodies(t *testing.T) {
	for body, want := range map[string]string{
		"":                              "body: empty",
		" \n":                           "body: empty",
		" <html>":                       "body: not JSON; it looks like HTML",
		"SYNCED":                        "body: not a single JSON value",
		`{"status":"SYNCED"}{}`:         "body: not a single JSON value",
		`["SYNCED"]`:                    "body: a JSON value that is not an object",
		" {} ":                          "body: a JSON object with 0 members, no status",
		`{"Status":"SYNCED"}`:           "body: a JSON object with 1 member, no status",
		`{"status":1}`:                  "body: a JSON object with 1 member, status is not a string",
		`{"status":"SYNCED"}`:           "body: a JSON object with 1 member, status is a string",
		`{"status":"SYNCED","more":{}}`: "body: a JSON object with 2 members, status is a string",
	} {
		if steps := newRig(t, answering(t, 200, body), nil).steps(t); len(steps) == 0 || steps[len(steps)-1] != want {
			t.Errorf("%q: got %q, want %q", body, steps, want)
		}
	}
	if steps := newRig(t, answering(t, 200, padded(opsmanager.MaxBody+1)), nil).steps(t); steps[len(steps)-1] != "  HTTP 200, 65536 bytes and more: a response" {
		t.Errorf("a huge body: got %q", steps)
	}
}
