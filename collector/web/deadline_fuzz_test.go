package web

import (
	"math"
	"strconv"
	"testing"
	"time"
)

// FuzzScrapeTimeout checks that, whatever the header contains, the timeout of a scrape
// is positive, at most an hour, and at least half of the announced one.
func FuzzScrapeTimeout(f *testing.F) {
	const defaultTimeout = 10 * time.Second
	for _, header := range []string{"10", "0.5", "1e3", "1e300", "1e-300", "0", "-1", "NaN", "Inf", "-Inf", "0x10p4", "1_0", " 10", "10s", "", "9999999999999999999999", "\x00", "１０"} {
		f.Add(header, int64(500*time.Millisecond))
	}
	f.Fuzz(func(t *testing.T, header string, offset int64) {
		if offset < 0 {
			return // the flag rejects it
		}
		got := (&server{Options: Options{DefaultTimeout: defaultTimeout, TimeoutOffset: time.Duration(offset)}}).timeout(header)
		announced := defaultTimeout
		if s, err := strconv.ParseFloat(header, 64); err == nil && s >= 0.1 && !math.IsInf(s, 1) {
			announced = time.Duration(math.Min(s, 3600) * 1e9)
		}
		if got < announced/2 || got > announced || got > time.Hour || got < 50*time.Millisecond {
			t.Fatalf("%q less %s: got %s", header, time.Duration(offset), got)
		}
	})
}
