package opsmanager_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
)

func TestVersion(t *testing.T) {
	for header, want := range map[string]string{
		"gitHash=f7bdac40; versionString=4.2.4.56729.20191105T2247Z": "4.2.4.56729.20191105T2247Z",
		"gitHash=f7bdac40;versionString=8.0.14.500.20250917T0000Z":   "8.0.14.500.20250917T0000Z",
		"versionString=v20200901; gitHash=f7bdac40":                  "v20200901",
		"versionString=current":                                      "current",
		" versionString=7.0.0 ;":                                     "7.0.0",
		"versionString=8.0.0-rc12.20250917T0000Z":                    "8.0.0-rc12.20250917T0000Z",
		"versionString=<b>; versionString=7.0.0":                     "7.0.0",
		"":                                                           "",
		"gitHash":                                                    "",
		"versionString":                                              "",
		"versionString=":                                             "",
		"versionString=v2020":                                        "",
		"versionString=7":                                            "",
		"versionString=7.0.0.0.0.0":                                  "",
		"versionString=7.0.0 or so":                                  "",
		"versionString=\"7.0.0\"":                                    "",
		"versionString=current7":                                     "",
		"VersionString=7.0.0":                                        "",
		"xversionString=7.0.0":                                       "",
		"versionString=12345.0":                                      "",
		"versionString=7.0." + testPublic:                            "",
	} {
		if got := opsmanager.ParseVersion(header); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

func TestReasonsAndFixes(t *testing.T) {
	want := strings.Fields("credentials not_reached dns connect tls timeout unauthorized role access_list forbidden" +
		" not_found rate_limited server_error redirect nonce bad_response unknown_status")
	var got []string
	fixes := map[string]opsmanager.Reason{}
	for _, r := range opsmanager.Reasons() {
		got = append(got, string(r))
		fix := r.Fix()
		if !strings.HasSuffix(fix, ".") || strings.Contains(fix, ". ") || strings.Contains(fix, "\n") || strings.ToUpper(fix[:1]) != fix[:1] {
			t.Errorf("%s: %q is not one sentence", r, fix)
		}
		if other, twice := fixes[fix]; twice {
			t.Errorf("%s and %s: one fix for both", r, other)
		}
		fixes[fix] = r
		if happened := r.Happened(); happened == "" || strings.HasSuffix(happened, ".") || strings.Contains(happened, "|") {
			t.Errorf("%s: %q is no phrase for a table", r, happened)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if other := opsmanager.Reason("other"); other.Fix() != "" || other.Happened() != "" {
		t.Errorf("got %q and %q for no reason", other.Happened(), other.Fix())
	}
}

func TestReasonOf(t *testing.T) {
	e := &opsmanager.Error{Reason: opsmanager.ReasonDNS}
	if got := opsmanager.ReasonOf(fmt.Errorf("wrapped: %w", e)); got != opsmanager.ReasonDNS {
		t.Errorf("got %q", got)
	}
	if got := opsmanager.ReasonOf(fmt.Errorf("other")); got != opsmanager.ReasonBadResponse {
		t.Errorf("got %q for another error", got)
	}
	if got := e.Error(); got != "dns" {
		t.Errorf("got %q", got)
	}
}
