package realdigest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/icholy/digest"

	"opsmanager_exporter/collector/testkit/realdigest"
	"opsmanager_exporter/collector/testkit/realprogram"
)

const (
	path    = "/api/public/v1.0/orgs/5d2f3b9c4e6a7b8c9d0e1f2a/liveExport/migrationLink/status"
	public  = "ABCDEFGH"
	private = "a1b2c3d4-0000-4000-8000-0123456789ab"
	body    = `{"status":"SYNCED"}`
	version = "gitHash=f7bdac40; versionString=8.0.0.100.20240927T1200Z"
)

// kind is one of the real servers.
type kind struct {
	name  string
	start func(testing.TB, realdigest.Options) *realdigest.Server
	// challenge is what it sends with a new nonce.
	challenge map[string]string
}

func kinds() []kind {
	return []kind{
		{
			name:  "Apache",
			start: realdigest.StartApache,
			challenge: map[string]string{
				"realm": realdigest.Realm, "algorithm": "MD5", "qop": "auth",
			},
		},
		{
			name:  "Jetty",
			start: realdigest.StartJetty,
			challenge: map[string]string{
				"realm": realdigest.Realm, "algorithm": "MD5", "domain": "", "qop": "auth", "stale": "false",
			},
		},
	}
}

// forEachKind runs test against a server of each kind.
func forEachKind(t *testing.T, o realdigest.Options, test func(*testing.T, kind, *realdigest.Server)) {
	t.Helper()
	o.Keys = map[string]string{public: private, "OTHERKEY": "another private key"}
	if o.Backend == nil {
		o.Backend = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
	}
	for _, kind := range kinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			test(t, kind, kind.start(t, o))
		})
	}
}

func TestCurl(t *testing.T) {
	t.Parallel()
	curl := realprogram.Find(t, "curl")
	for _, useTLS := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS=%t", useTLS), func(t *testing.T) {
			t.Parallel()
			forEachKind(t, realdigest.Options{TLS: useTLS}, func(t *testing.T, _ kind, server *realdigest.Server) {
				for _, tc := range []struct{ user, want string }{
					{public + ":" + private, body + "200"},
					{"OTHERKEY:another private key", body + "200"},
					{public + ":wrong", "401"},
					{"UNKNOWN:" + private, "401"},
				} {
					args := []string{
						"--silent", "--show-error", "--noproxy", "*", "--max-time", "30",
						"--digest", "--user", tc.user, "--write-out", "%{http_code}",
					}
					if server.CAFile != "" {
						args = append(args, "--cacert", server.CAFile)
					}
					for _, host := range []string{"127.0.0.1", "localhost"} {
						url := strings.Replace(server.URL, "127.0.0.1", host, 1) + path
						out, err := exec.Command(curl, append(args, url)...).CombinedOutput()
						if err != nil || !strings.HasSuffix(string(out), tc.want) {
							t.Errorf("user %q at %s: got %q, %v; want %q at the end", tc.user, url, out, err, tc.want)
						}
						if got := strings.Contains(string(out), body); got != strings.Contains(tc.want, body) {
							t.Errorf("user %q at %s: got the backend's body: %t", tc.user, url, got)
						}
					}
				}
			})
		})
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	forEachKind(t, realdigest.Options{}, func(t *testing.T, kind kind, server *realdigest.Server) {
		client := newClient(t, server)
		for _, url := range []string{server.URL, server.URL + "/", server.URL + path + "?pretty=true"} {
			resp, _ := client.do(t, newRequest(t, url))
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: got %s without credentials", url, resp.Status)
			}
			got := directives(t, resp)
			if got["nonce"] == "" {
				t.Errorf("%s: no nonce in %q", url, resp.Header["Www-Authenticate"])
			}
			delete(got, "nonce")
			if !maps.Equal(got, kind.challenge) {
				t.Errorf("%s: challenge %v, want %v", url, got, kind.challenge)
			}
		}
	})
}

func TestNonceExpires(t *testing.T) {
	t.Parallel()
	o := realdigest.Options{NonceLifetime: 2 * time.Second}
	forEachKind(t, o, func(t *testing.T, _ kind, server *realdigest.Server) {
		client := newClient(t, server)
		issued := time.Now() // or later
		chal := client.challenge(t, server)
		for count := 1; ; count++ {
			resp, _ := client.get(t, server, chal, count)
			age := time.Since(issued)
			if resp.StatusCode == http.StatusUnauthorized {
				if stale := directives(t, resp)["stale"]; stale != "true" {
					t.Errorf("stale = %q after %v, want true", stale, age)
				}
				if age < time.Second {
					t.Errorf("expired after %v", age)
				}
				break
			}
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("got %s after %v", resp.Status, age)
			}
			if age > 2*time.Minute {
				t.Fatalf("still accepted after %v", age)
			}
			time.Sleep(50 * time.Millisecond)
		}
		if resp, got := client.get(t, server, client.challenge(t, server), 1); resp.StatusCode != http.StatusOK {
			t.Errorf("with a fresh nonce: %s, %q", resp.Status, got)
		}
	})
}

func TestOneTimeNonces(t *testing.T) {
	t.Parallel()
	o := realdigest.Options{OneTimeNonces: true}
	forEachKind(t, o, func(t *testing.T, _ kind, server *realdigest.Server) {
		client := newClient(t, server)
		for range 3 {
			chal := client.challenge(t, server)
			if resp, got := client.get(t, server, chal, 1); resp.StatusCode != http.StatusOK {
				t.Errorf("first use: %s, %q", resp.Status, got)
			}
			resp, _ := client.get(t, server, chal, 2)
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("second use: %s", resp.Status)
				continue
			}
			if stale := directives(t, resp)["stale"]; stale != "true" {
				t.Errorf("second use: stale = %q, want true", stale)
			}
		}
	})
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	forEachKind(t, realdigest.Options{TLS: true}, func(t *testing.T, _ kind, server *realdigest.Server) {
		stranger := &http.Client{Transport: &http.Transport{}}
		_, err := stranger.Get(server.URL)
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
			t.Errorf("without the CA: %v", err)
		}
	})
}

// The client gets the backend's response unchanged.
func TestAnswer(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	io.WriteString(zip, body)
	zip.Close()
	type seen struct{ uri, host, accept string }
	o := realdigest.Options{Backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-MongoDB-Service-Version", version)
		header.Set("Content-Type", "application/json;charset=ISO-8859-1")
		header.Set("Vary", "Accept-Encoding")
		header.Add("X-Twice", "one")
		header.Add("X-Twice", "two")
		header.Set("X-Seen", fmt.Sprint(seen{r.RequestURI, r.Host, r.Header.Get("Accept")}))
		if r.Header.Get("Accept-Encoding") == "gzip" {
			header.Set("Content-Encoding", "gzip")
			w.Write(packed.Bytes())
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, body)
	})}
	forEachKind(t, o, func(t *testing.T, _ kind, server *realdigest.Server) {
		client := newClient(t, server)
		chal := client.challenge(t, server)
		for count, tc := range []struct {
			encoding string
			status   int
			body     string
		}{
			{"gzip", http.StatusOK, packed.String()},
			{"identity", http.StatusServiceUnavailable, body},
		} {
			uri := path + "/a%2Fb%20c?pretty=true&x=%2F"
			req := client.newRequest(t, server, chal, count+1, uri)
			req.Header.Set("Accept", "application/json")
			req.Header.Set("Accept-Encoding", tc.encoding)
			resp, got := client.do(t, req)
			if resp.StatusCode != tc.status || got != tc.body {
				t.Errorf("%s: got %s and %q, want %d and %q", tc.encoding, resp.Status, got, tc.status, tc.body)
			}
			for name, want := range map[string]string{
				"X-MongoDB-Service-Version": version,
				"Content-Type":              "application/json;charset=ISO-8859-1",
				"Vary":                      "Accept-Encoding",
				"X-Twice":                   "one|two",
				"Content-Length":            fmt.Sprint(len(tc.body)),
				"X-Seen":                    fmt.Sprint(seen{uri, req.URL.Host, "application/json"}),
			} {
				if got := strings.Join(resp.Header.Values(name), "|"); got != want {
					t.Errorf("%s: %s = %q, want %q", tc.encoding, name, got, want)
				}
			}
			if dates := resp.Header.Values("Date"); len(dates) != 1 {
				t.Errorf("%s: Date = %q", tc.encoding, dates)
			}
		}
	})
}

// All connections are served concurrently: the backend responds to none before it has seen
// them all.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			const clients = 64
			var arrived sync.WaitGroup
			arrived.Add(clients)
			server := kind.start(t, realdigest.Options{
				Keys: map[string]string{public: private},
				Backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					arrived.Done()
					arrived.Wait()
					io.WriteString(w, body)
				}),
			})
			client := newClient(t, server)
			chal := client.challenge(t, server)
			var requests sync.WaitGroup
			for count := 1; count <= clients; count++ {
				req := client.newRequest(t, server, chal, count, path)
				requests.Go(func() {
					resp, err := client.Do(req)
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						t.Errorf("request %d: %s", count, resp.Status)
					}
				})
			}
			requests.Wait()
		})
	}
}

// A backend that aborts a request gets it only once, and gets the next request.
func TestBrokenBackend(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := kind.start(t, realdigest.Options{
				Keys: map[string]string{public: private},
				Backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if calls.Add(1)%2 == 0 {
						panic(http.ErrAbortHandler)
					}
					io.WriteString(w, body)
				}),
			})
			client := newClient(t, server)
			chal := client.challenge(t, server)
			for count := 1; count <= 6; count++ {
				want := http.StatusOK
				if count%2 == 0 {
					want = http.StatusBadGateway
				}
				req := client.newRequest(t, server, chal, count, path)
				// On a reused connection Apache aborts too, and net/http retries.
				req.Close = true
				if resp, _ := client.do(t, req); resp.StatusCode != want {
					t.Errorf("request %d: %s, want %d", count, resp.Status, want)
				}
				if got := int(calls.Load()); got != count {
					t.Fatalf("the backend was called %d times for %d requests", got, count)
				}
			}
		})
	}
}

// A truncated body is truncated for the client too.
func TestTruncatedAnswer(t *testing.T) {
	t.Parallel()
	o := realdigest.Options{Backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, body)
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})}
	forEachKind(t, o, func(t *testing.T, _ kind, server *realdigest.Server) {
		client := newClient(t, server)
		resp, err := client.Do(client.newRequest(t, server, client.challenge(t, server), 1, path))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if string(got) != body || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %q, %v; want %q and an unexpected end", got, err, body)
		}
	})
}

// A test may end while the backend is still handling a request.
func TestStopWithRequestInFlight(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			var began time.Time
			t.Run("holding", func(t *testing.T) {
				arrived := make(chan struct{})
				server := kind.start(t, realdigest.Options{
					Keys: map[string]string{public: private},
					Backend: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						close(arrived)
						<-r.Context().Done()
					}),
				})
				client := newClient(t, server)
				chal := client.challenge(t, server)
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					<-arrived
					cancel()
				}()
				_, err := client.Do(client.newRequest(t, server, chal, 1, path).WithContext(ctx))
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				began = time.Now()
			})
			if began.IsZero() {
				t.Skip("the server is not installed")
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("stopping took %v", took)
			}
		})
	}
}

func BenchmarkStart(b *testing.B) {
	for _, kind := range kinds() {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				kind.start(b, realdigest.Options{Backend: http.NotFoundHandler()})
			}
		})
	}
}

// client sends requests unchanged, with keep-alive.
type client struct{ *http.Client }

func newClient(t *testing.T, server *realdigest.Server) client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	if server.CAFile != "" {
		pem, err := os.ReadFile(server.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return client{&http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// challenge requests a new nonce.
func (c client) challenge(t *testing.T, server *realdigest.Server) *digest.Challenge {
	t.Helper()
	resp, _ := c.do(t, newRequest(t, server.URL+path))
	chal, err := digest.ParseChallenge(resp.Header.Get("WWW-Authenticate"))
	if err != nil {
		t.Fatal(err)
	}
	return chal
}

// newRequest returns a request for uri with the count-th answer to chal.
func (c client) newRequest(
	t *testing.T, server *realdigest.Server, chal *digest.Challenge, count int, uri string,
) *http.Request {
	t.Helper()
	cred, err := digest.Digest(chal, digest.Options{
		Method: http.MethodGet, URI: uri, Count: count, Username: public, Password: private,
	})
	if err != nil {
		t.Fatal(err)
	}
	req := newRequest(t, server.URL+uri)
	req.Header.Set("Authorization", cred.String())
	return req
}

func (c client) get(
	t *testing.T, server *realdigest.Server, chal *digest.Challenge, count int,
) (*http.Response, string) {
	t.Helper()
	return c.do(t, c.newRequest(t, server, chal, count, path))
}

func (c client) do(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(got)
}

func newRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// directives splits a challenge whose values contain no commas.
func directives(t *testing.T, resp *http.Response) map[string]string {
	t.Helper()
	header := resp.Header.Values("WWW-Authenticate")
	if len(header) != 1 {
		t.Fatalf("WWW-Authenticate = %q", header)
	}
	list, ok := strings.CutPrefix(header[0], "Digest ")
	if !ok {
		t.Fatalf("WWW-Authenticate = %q", header)
	}
	result := map[string]string{}
	for directive := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		result[name] = strings.Trim(value, `"`)
	}
	return result
}
