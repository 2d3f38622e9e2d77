package check

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/wait"
)

func TestProgressOnATerminalAlone(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Hang())
	const polling = "\rpolling 1 organization, 1 s"
	for _, terminal := range []bool{true, false} {
		t.Run(fmt.Sprint(terminal), func(t *testing.T) {
			t.Parallel()
			wait.Growing(t, 1200*time.Millisecond, func(limit time.Duration) error {
				file := configuration(t, manager("om", s.URL(), 1, fmt.Sprintf("timeout: %dms", limit.Milliseconds())))
				got := run(t.Context(), t, Options{File: file, Online: true, JSON: true, Terminal: terminal})
				_, shown, _ := strings.Cut(got.stderr, "\n") // after the warning about http://
				shown, _, _ = strings.Cut(shown, "visible in")
				if strings.HasPrefix(shown, polling) != terminal || strings.HasSuffix(shown, " \r") != terminal {
					return fmt.Errorf("got %q", shown)
				}
				return nil
			})
		})
	}
}

func TestProgress(t *testing.T) {
	for name, tt := range map[string]struct {
		lasts time.Duration
		want  string
	}{
		"short": {999 * time.Millisecond, ""},
		"long": {
			2500 * time.Millisecond,
			"\rpolling 8 organizations, 1 s\rpolling 8 organizations, 2 s\r                            \r",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b bytes.Buffer
				stop := showProgress(&b, 8)
				time.Sleep(tt.lasts)
				stop()
				if b.String() != tt.want {
					t.Errorf("got %q, want %q", b.String(), tt.want)
				}
			})
		})
	}
}
