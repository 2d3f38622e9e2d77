package opsmanager_test

import (
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

func TestListsOfOrganizations(t *testing.T) {
	for body, want := range map[string]string{
		`{"results":[],"totalCount":0}`: "",
		`{"results":[{"id":1}]}`:        "HTTP 200: the body is not a list of organizations in JSON",
		`{"results":5}`:                 "HTTP 200: the body is not a list of organizations in JSON",
		`[]`:                            "HTTP 200: the body is not a list of organizations in JSON",
		``:                              "HTTP 200: the body is not a list of organizations in JSON",
		`{"totalCount":0}`:              "HTTP 200: the body has no member named results",
		`{"results":null}`:              "HTTP 200: the body has no member named results",
	} {
		t.Run(body, func(t *testing.T) {
			s := simulate(t, simulator.Options{}, simulator.Org{})
			s.SetList(simulator.Body(200, "application/json", body))
			r := newRig(t, s.URL(), nil)
			page, err := r.Organizations(t.Context(), r.key, 1)
			if want == "" {
				if err != nil || len(page.Organizations) != 0 {
					t.Errorf("got %+v, %v", page, err)
				}
				return
			}
			if err == nil || err.Error() != want || opsmanager.ReasonOf(err) != opsmanager.ReasonBadResponse {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}
