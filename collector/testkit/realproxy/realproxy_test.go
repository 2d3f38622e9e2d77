package realproxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"testing"

	"opsmanager_exporter/collector/testkit/realproxy"
)

// backEnds starts servers that respond with their number and the path.
func backEnds(t *testing.T, n int) []string {
	t.Helper()
	var urls []string
	for i := range n {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%d%s", i, r.URL.Path)
		}))
		t.Cleanup(s.Close)
		urls = append(urls, s.URL)
	}
	return urls
}

// ask sends six consecutive requests and returns the responses.
func ask(t *testing.T, client *http.Client, url string) []string {
	t.Helper()
	var answers []string
	for range 6 {
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s, %q, %v", resp.Status, body, err)
		}
		answers = append(answers, string(body))
	}
	return answers
}

func TestProxies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		start   func(testing.TB, realproxy.Options) string
		options realproxy.Options
		jar     bool
		path    string
		// differ is the number of responses that differ from the first, of six from
		// three back ends.
		differ int
	}{
		"HAProxy, round robin":          {realproxy.StartHAProxy, realproxy.Options{}, false, "/a", 4},
		"HAProxy, sticky":               {realproxy.StartHAProxy, realproxy.Options{Sticky: true}, true, "/a", 0},
		"HAProxy, sticky, no cookies":   {realproxy.StartHAProxy, realproxy.Options{Sticky: true}, false, "/a", 4},
		"HAProxy, prefix":               {realproxy.StartHAProxy, realproxy.Options{StripPrefix: "/om"}, false, "/om/a", 4},
		"nginx, round robin":            {realproxy.StartNginx, realproxy.Options{}, false, "/a", 4},
		"nginx, prefix":                 {realproxy.StartNginx, realproxy.Options{StripPrefix: "/om"}, false, "/om/a", 4},
		"nginx, cache":                  {realproxy.StartNginx, realproxy.Options{Cache: true}, false, "/a", 0},
		"nginx, prefix, behind a cache": {realproxy.StartNginx, realproxy.Options{Cache: true, StripPrefix: "/om"}, false, "/om/a", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.options.BackEnds = backEnds(t, 3)
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			client := &http.Client{Transport: transport}
			if tt.jar {
				client.Jar, _ = cookiejar.New(nil) // never fails
			}
			answers := ask(t, client, tt.start(t, tt.options)+tt.path)
			differ := 0
			for _, a := range answers {
				if a != answers[0] {
					differ++
				}
			}
			if differ != tt.differ || !slices.Contains([]string{"0/a", "1/a", "2/a"}, answers[0]) {
				t.Errorf("got %q, want %d to differ from the first", answers, tt.differ)
			}
		})
	}
}
