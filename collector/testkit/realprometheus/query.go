package realprometheus

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// Sample is one result of an instant query.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query returns the results of an instant query. It ends the test if Prometheus rejects
// the query.
func Query(tb testing.TB, prometheus *Process, expr string) []Sample {
	tb.Helper()
	return QueryAt(tb, prometheus, expr, time.Time{})
}

// QueryAt is [Query] at a given time.
func QueryAt(tb testing.TB, prometheus *Process, expr string, at time.Time) []Sample {
	tb.Helper()
	values := url.Values{"query": {expr}}
	if !at.IsZero() {
		values.Set("time", at.Format(time.RFC3339))
	}
	var answer struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	GetJSON(tb, prometheus.URL+"/api/v1/query?"+values.Encode(), &answer)
	if answer.Error != "" {
		tb.Fatalf("query %s: %s", expr, answer.Error)
	}
	samples := make([]Sample, len(answer.Data.Result))
	for i, r := range answer.Data.Result {
		value, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			tb.Fatalf("query %s: %v", expr, err)
		}
		samples[i] = Sample{Labels: r.Metric, Value: value}
	}
	return samples
}

// GetJSON decodes the JSON document at an address into v.
func GetJSON(tb testing.TB, address string, v any) {
	tb.Helper()
	resp, err := http.Get(address)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		tb.Fatalf("%s: %s: %v", address, resp.Status, err)
	}
}
