package web_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
)

// Clients that request OpenMetrics get valid OpenMetrics; text and protobuf still work.
func TestOpenMetrics(t *testing.T) {
	t.Parallel()
	f := start(t, 3, web.Options{Instrumentation: prometheus.NewRegistry()})
	f.sim.SetOrg(simulated.OrgID(1), simulator.Org{Answer: simulator.Status("NOT_SYNCED")})
	f.sim.SetOrg(simulated.OrgID(2), simulator.Org{Answer: simulator.UnexpectedError()})
	for accept, want := range map[string]string{
		"": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "*/*": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "text/plain;version=0.0.4;q=0.5": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
		"application/openmetrics-text":               "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores",
		"application/openmetrics-text;version=1.0.0": "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4":        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited, text/plain;q=.5": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
	} {
		for _, path := range []string{"/metrics", "/metrics?collect[]=exporter", "/probe?target=" + simulated.OrgID(2)} {
			header, body := f.accepting(t, path, "Accept", accept)
			if got := header.Get("Content-Type"); got != want {
				t.Errorf("%s with %q: %s, want %s", path, accept, got, want)
			}
			if !strings.HasPrefix(want, "application/openmetrics-text") {
				continue
			}
			if err := checkOpenMetrics(body); err != nil {
				t.Errorf("%s with %q: %v\n%s", path, accept, err, body)
			}
		}
	}
	_, body := f.accepting(t, "/metrics", "Accept", "application/openmetrics-text;version=1.0.0")
	for _, line := range []string{
		fmt.Sprintf("opsmanager_migration_link_synced{org_id=%q} 1.0", simulated.OrgID(0)),
		fmt.Sprintf("opsmanager_migration_link_synced{org_id=%q} 0.0", simulated.OrgID(1)),
		fmt.Sprintf("opsmanager_migration_link_scrape_failure_reason{org_id=%q,reason=\"server_error\"} 1.0", simulated.OrgID(2)),
		"# TYPE opsmanager_migration_link_scrape_errors counter",
		"# TYPE opsmanager_api_request_duration_seconds histogram",
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("there is no %s in\n%s", line, body)
		}
	}
}

// checkOpenMetrics checks what OpenMetrics 1.0.0 requires beyond the text format:
// metadata once and before samples, no family in two places, the suffixes of each
// type, and the end marker.
func checkOpenMetrics(text string) error {
	body, ok := strings.CutSuffix(text, "# EOF\n")
	if !ok || strings.Contains(body, "# EOF") {
		return fmt.Errorf("it does not end with # EOF")
	}
	suffixes := map[string][]string{"gauge": {""}, "counter": {"_total", "_created"}, "histogram": {"_bucket", "_count", "_sum", "_created"}, "summary": {"", "_count", "_sum"}, "unknown": {""}}
	sample := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? (?:[-+0-9.e]+|NaN|[-+]Inf)$`)
	seen := make(map[string]bool)
	var family, kind string
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if fields := strings.SplitN(line, " ", 4); fields[0] == "#" && len(fields) == 4 {
			if fields[2] != family {
				if family, kind = fields[2], "unknown"; seen[family] {
					return fmt.Errorf("family %s appears twice", family)
				}
				seen[family] = true
			}
			if fields[1] == "TYPE" {
				kind = fields[3]
			} else if fields[1] != "HELP" && fields[1] != "UNIT" {
				return fmt.Errorf("bad line %s", line)
			}
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			return fmt.Errorf("bad line %s", line)
		}
		suffix, ok := strings.CutPrefix(m[1], family)
		if !ok || !slices.Contains(suffixes[kind], suffix) {
			return fmt.Errorf("%s is no sample of the %s %s", line, kind, family)
		}
	}
	return nil
}
