package check

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/wait"
)

// The line about organizations that are not configured, whose lists cannot make the check
// fail.
func TestUnconfigured(t *testing.T) {
	own := func(i int, key string) string {
		return "      - {id: " + orgID(i) + ", api_key: {public_key: " + key + ", private_key: " + privateKey + "}}\n"
	}
	for name, tt := range map[string]struct {
		orgs int // that exist; the first one is configured
		list simulator.Answer
		more string // configuration of further organizations
		want string
		err  string
	}{
		"none":            {1, nil, "", "none", ""},
		"one":             {2, nil, "", "1 organization, listed by opsmanager_exporter orgs", ""},
		"1,200":           {1201, nil, "", "1200 organizations, listed by opsmanager_exporter orgs", ""},
		"not permitted":   {2, simulator.MissingRole(false), "", "unknown; 1 of 1 credential could not list all organizations (role)", ""},
		"not there":       {2, simulator.ResourceNotFound(), "", "unknown; 1 of 1 credential could not list all organizations (not_found)", ""},
		"second page":     {501, simulator.Sequence(simulator.List(), simulator.HTML(502)), "", "499 organizations, listed by opsmanager_exporter orgs; 1 of 1 credential could not list all organizations (server_error)", ""},
		"one of two keys": {3, nil, own(1, "other-s3cr3t"), "1 organization, listed by opsmanager_exporter orgs; 1 of 2 credentials could not list all organizations (unauthorized)", "the status of 1 of 2 organizations is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, simulator.Options{}, make([]simulator.Answer, tt.orgs)...)
			s.SetList(tt.list)
			file := configuration(t, manager("om", s.URL(), 1, "timeout: 1m")+tt.more)
			line := "visible in Ops Manager \"om\" but not configured: " + tt.want + "\n"
			got := run(t.Context(), t, Options{File: file, Online: true})
			got.want(t, tt.err)
			if !strings.HasSuffix(got.stdout, "\n\n"+line) {
				t.Errorf("got:\n%s\nwant at its end:\n%s", got.stdout, line)
			}
			if name == "second page" {
				s.SetList(simulator.Sequence(simulator.List(), simulator.HTML(502)))
			}
			got = run(t.Context(), t, Options{File: file, Online: true, JSON: true})
			got.want(t, tt.err)
			decoded(t, got.stdout)
			if !strings.HasSuffix(got.stderr, line) {
				t.Errorf("standard error:\n%s\nwant at its end:\n%s", got.stderr, line)
			}
		})
	}
}

// An Ops Manager that tells no status is not asked for a list, and neither is any without
// --online.
func TestUnconfiguredNotAsked(t *testing.T) {
	s := simulate(t, simulator.Options{}, nil)
	s.SetList(func(w http.ResponseWriter, r *http.Request) {
		t.Error("asked for a list")
		simulator.List()(w, r)
	})
	file := configuration(t, manager("om", s.URL(), 1))
	run(t.Context(), t, Options{File: file}).want(t, "")
	s.SetOrg(orgID(0), simulator.Org{Answer: simulator.HTML(503)})
	got := run(t.Context(), t, Options{File: file, Online: true})
	got.want(t, "the status of 1 of 1 organization is unknown")
	if want := "\nvisible in Ops Manager \"om\" but not configured: unknown, because no status could be read\n"; !strings.HasSuffix(got.stdout, want) {
		t.Errorf("got:\n%s\nwant at its end:\n%s", got.stdout, want)
	}
}

// A list that hangs costs the timeout of a poll.
func TestUnconfiguredHangs(t *testing.T) {
	t.Parallel()
	s := simulate(t, simulator.Options{}, nil)
	s.SetList(simulator.Hang())
	wait.Growing(t, 500*time.Millisecond, func(limit time.Duration) error {
		file := configuration(t, manager("om", s.URL(), 1, fmt.Sprintf("timeout: %dms", limit.Milliseconds())))
		got := run(t.Context(), t, Options{File: file, Online: true})
		if want := "\nvisible in Ops Manager \"om\" but not configured: unknown; 1 of 1 credential could not list all organizations (timeout)\n"; !strings.HasSuffix(got.stdout, want) {
			return fmt.Errorf("got:\n%s\nwant at its end:\n%s", got.stdout, want)
		}
		return got.err
	})
}
