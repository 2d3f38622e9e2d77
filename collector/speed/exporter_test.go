package speed_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
)

const concurrency = 64

// exporter is the exporter in a separate process.
type exporter struct {
	*realprometheus.Process
	manager *opsManager
}

func startExporter(b *testing.B, binary string, o *opsManager) *exporter {
	b.Helper()
	return &exporter{realprometheus.StartExporter(b, binary, "--config.file="+o.configuration(b)), o}
}

// scrape scrapes like Prometheus, and fails the benchmark unless every organization has a
// status. It returns the duration.
func (e *exporter) scrape(b *testing.B) time.Duration {
	b.Helper()
	begun := time.Now()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, e.URL+"/metrics", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "60")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	compressed, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	took := time.Since(begun)
	page, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(page)
	if err != nil {
		b.Fatal(err)
	}
	if got := strings.Count(string(text), "\nopsmanager_migration_link_synced{"); got != e.manager.Orgs {
		b.Fatalf("%d of %d organizations gave a status", got, e.manager.Orgs)
	}
	return took
}

// BenchmarkScrape measures one scrape of all organizations over TLS, including the
// exposition: CPU time and requests per poll, wall time relative to the latency alone, and
// peak memory.
func BenchmarkScrape(b *testing.B) {
	binary := realprometheus.Build(b)
	for _, delay := range []time.Duration{0, 20 * time.Millisecond} {
		for _, orgs := range []int{1, 100, 1000, 10000} {
			for _, own := range []bool{false, true} {
				f := fleet{Orgs: orgs, OwnKeys: own, Delay: delay}
				b.Run(fmt.Sprintf("latency=%s/%s", delay, f), func(b *testing.B) {
					o := startOpsManager(b, f)
					e := startExporter(b, binary, o)
					e.scrape(b) // opens connections and gets nonces
					o.count(b)
					before := cpu(b, e.PID())
					var wall time.Duration
					for b.Loop() {
						wall += e.scrape(b)
					}
					polls := float64(b.N * orgs)
					b.ReportMetric((cpu(b, e.PID())-before)/polls*1e6, "cpu-µs/poll")
					b.ReportMetric(float64(o.count(b).Requests)/polls, "requests/poll")
					b.ReportMetric(peakMemory(b, e.PID())/1e6, "peak-MB")
					if delay > 0 {
						ideal := f.ideal() * time.Duration(b.N)
						b.ReportMetric(wall.Seconds()/ideal.Seconds(), "wall/ideal")
					}
				})
			}
		}
	}
}

// BenchmarkAgainstLoop measures the CPU time of a poll, including the exposition, relative
// to that of a bare loop over reused connections with the same digest work; with latency,
// the wall time of both relative to the latency alone. The two run in turn.
func BenchmarkAgainstLoop(b *testing.B) {
	binary := realprometheus.Build(b)
	for _, delay := range []time.Duration{0, 20 * time.Millisecond} {
		for _, orgs := range []int{100, 1000, 10000} {
			f := fleet{Orgs: orgs, Delay: delay}
			b.Run(fmt.Sprintf("latency=%s/%s", delay, f), func(b *testing.B) {
				o := startOpsManager(b, f)
				e, l := startExporter(b, binary, o), start(b, "loop")
				e.scrape(b)
				round(b, l, o)
				exporterBefore, loopBefore := cpu(b, e.PID()), cpu(b, l.cmd.Process.Pid)
				var exporterWall, loopWall time.Duration
				for b.Loop() {
					exporterWall += e.scrape(b)
					loopWall += round(b, l, o)
				}
				polls := float64(b.N * orgs)
				exporter := (cpu(b, e.PID()) - exporterBefore) / polls * 1e6
				loop := (cpu(b, l.cmd.Process.Pid) - loopBefore) / polls * 1e6
				b.ReportMetric(exporter, "cpu-µs/poll")
				b.ReportMetric(loop, "loop-cpu-µs/poll")
				b.ReportMetric(exporter/loop, "cpu/loop-cpu")
				if delay > 0 {
					ideal := f.ideal() * time.Duration(b.N)
					b.ReportMetric(exporterWall.Seconds()/ideal.Seconds(), "wall/ideal")
					b.ReportMetric(loopWall.Seconds()/ideal.Seconds(), "loop-wall/ideal")
				}
			})
		}
	}
}

// BenchmarkStart measures the time from the start of the process to the first complete
// response.
func BenchmarkStart(b *testing.B) {
	binary := realprometheus.Build(b)
	for _, own := range []bool{false, true} {
		f := fleet{Orgs: 100, OwnKeys: own, Default: true}
		b.Run(f.String(), func(b *testing.B) {
			o := startOpsManager(b, f)
			file := o.configuration(b)
			var sum time.Duration
			for b.Loop() {
				sum += firstScrape(b, binary, file, o)
			}
			b.ReportMetric(float64(sum.Milliseconds())/float64(b.N), "ms-to-first-scrape")
		})
	}
}

func firstScrape(b *testing.B, binary, file string, o *opsManager) time.Duration {
	b.Helper()
	address := realprogram.FreeAddress(b)
	cmd := exec.Command(binary, "--config.file="+file, "--web.listen-address="+address, "--log.level=error")
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}()
	for {
		resp, err := http.Get("http://" + address + "/-/ready")
		if err == nil {
			resp.Body.Close()
			break
		}
		if time.Since(begun) > 10*time.Second {
			b.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	e := &exporter{&realprometheus.Process{URL: "http://" + address}, o}
	e.scrape(b)
	return time.Since(begun)
}
