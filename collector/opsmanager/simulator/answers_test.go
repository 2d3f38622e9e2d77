package simulator

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/clock"
)

// Every plain answer, byte for byte.
func TestAnswers(t *testing.T) {
	const js = "application/json"
	tests := []struct {
		name        string
		answer      Answer
		query       string
		status      int
		contentType string
		body        string
		header      map[string]string // further headers
	}{
		{"default", nil, "", 200, js, `{"status": "SYNCED"}`, map[string]string{"Vary": "Accept-Encoding"}},
		{"not synced", Status("NOT_SYNCED"), "", 200, js, `{"status": "NOT_SYNCED"}`, nil},
		{"status with a quote", Status(`a"b`), "", 200, js, `{"status": "a\"b"}`, nil},
		{"pretty=false", Status("X"), "?pretty=false&envelope=false", 200, js, `{"status": "X"}`, nil},
		{"missing role", MissingRole(false), "", 401, js, `{"detail":"Current user is not authorized to perform this action.","error":401,"errorCode":"USER_UNAUTHORIZED","parameters":[],"reason":"Unauthorized"}`, nil},
		{"missing role, pretty", MissingRole(false), "?pretty=true", 401, js, `{
  "detail" : "Current user is not authorized to perform this action.",
  "error" : 401,
  "errorCode" : "USER_UNAUTHORIZED",
  "parameters" : [ ],
  "reason" : "Unauthorized"
}`, nil},
		{"not on the access list", NotOnAccessList("192.0.2.1"), "", 403, js, `{"detail":"IP address 192.0.2.1 is not allowed to access this resource.","error":403,"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST","parameters":["192.0.2.1"],"reason":"Forbidden"}`, nil},
		{"not on the access list, pretty", NotOnAccessList("192.0.2.1"), "?pretty=true", 403, js, `{
  "detail" : "IP address 192.0.2.1 is not allowed to access this resource.",
  "error" : 403,
  "errorCode" : "IP_ADDRESS_NOT_ON_ACCESS_LIST",
  "parameters" : [ "192.0.2.1" ],
  "reason" : "Forbidden"
}`, nil},
		{"access list required", OrgRequiresAccessList("192.0.2.1"), "", 403, js, `{"detail":"This organization requires access through an access list of ip ranges.","error":403,"errorCode":"ORG_REQUIRES_ACCESS_LIST","parameters":["192.0.2.1"],"reason":"Forbidden"}`, nil},
		{"organization not found", OrgNotFound(), "", 404, js, `{"detail":"No organization with ID ` + testOrg + ` exists.","error":404,"errorCode":"ORG_NOT_FOUND","parameters":["` + testOrg + `"],"reason":"Not Found"}`, nil},
		{"resource not found", ResourceNotFound(), "", 404, js, `{"detail":"Cannot find resource ` + testPath + `.","error":404,"errorCode":"RESOURCE_NOT_FOUND","parameters":["` + testPath + `"],"reason":"Not Found"}`, nil},
		{"method not allowed", MethodNotAllowed(), "", 405, "", "", nil},
		{"rate limited", RateLimited(""), "", 429, js, `{"detail":"Resource ` + testPath + ` is limited to 100 requests every 1 minutes.","error":429,"errorCode":"RATE_LIMITED","parameters":["` + testPath + `","100","1"],"reason":"Too Many Requests"}`, map[string]string{"Retry-After": ""}},
		{"rate limited, retry", RateLimited("55"), "", 429, js, `{"detail":"Resource ` + testPath + ` is limited to 100 requests every 1 minutes.","error":429,"errorCode":"RATE_LIMITED","parameters":["` + testPath + `","100","1"],"reason":"Too Many Requests"}`, map[string]string{"Retry-After": "55"}},
		{"unexpected error", UnexpectedError(), "", 500, js, `{"detail":"Unexpected error.","error":500,"errorCode":"UNEXPECTED_ERROR","parameters":[],"reason":"Internal Server Error"}`, nil},
		{"code", Code(403, "FEATURE_UNSUPPORTED"), "", 403, js, `{"detail":"Feature not supported by current account level.","error":403,"errorCode":"FEATURE_UNSUPPORTED","parameters":[],"reason":"Forbidden"}`, nil},
		{"unknown code", Code(409, "SOMETHING"), "", 409, js, `{"detail":"The request failed.","error":409,"errorCode":"SOMETHING","parameters":[],"reason":"Conflict"}`, nil},
		{"HTML", HTML(503), "", 503, "text/html;charset=iso-8859-1", "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n<title>Error 503 Service Unavailable</title>\n</head>\n<body><h2>HTTP ERROR 503 Service Unavailable</h2>\n<table>\n<tr><th>STATUS:</th><td>503</td></tr>\n<tr><th>MESSAGE:</th><td>Service Unavailable</td></tr>\n</table>\n</body>\n</html>\n", map[string]string{versionHeader: ""}},
		{"empty", EmptyBody(), "", 200, js, "", nil},
		{"body", Body(418, "text/plain", "short and stout"), "", 418, "text/plain", "short and stout", nil},
		{"truncated JSON", TruncatedJSON(), "", 200, js, `{"status": "SYNC`, nil},
		{"envelope", Envelope("envelope"), "", 200, js, `{"status": 200, "envelope": {"status": "SYNCED"}}`, nil},
		{"redirect", Redirect("http://192.0.2.1/", 302), "", 302, "", "", map[string]string{"Location": "http://192.0.2.1/"}},
		{"close after", CloseAfter(Status("SYNCED")), "", 200, js, `{"status": "SYNCED"}`, map[string]string{"Connection": "close"}},
		{"duplicate headers", DuplicateHeaders(), "", 200, js, `{"status": "SYNCED"}`, nil},
		{"slow", SlowBody(time.Microsecond), "", 200, js, `{"status": "SYNCED"}`, nil},
		{"huge", HugeBody(60), "", 200, js, `{"status": "SYNCED", "padding": "` + strings.Repeat("x", 60-35) + `"}`, nil},
		{"hugeless", HugeBody(0), "", 200, js, `{"status": "SYNCED", "padding": ""}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{}, Org{Answer: tt.answer})
			r := login(t, client(t), s, http.MethodGet, testPath+tt.query)
			if r.status != tt.status || r.header.Get("Content-Type") != tt.contentType || r.body != tt.body {
				t.Errorf("got %d %q\n%s\nwant %d %q\n%s",
					r.status, r.header.Get("Content-Type"), r.body, tt.status, tt.contentType, tt.body)
			}
			for _, name := range slices.Sorted(maps.Keys(tt.header)) {
				if got := r.header.Get(name); got != tt.header[name] {
					t.Errorf("%s: got %q, want %q", name, got, tt.header[name])
				}
			}
			if r.challenge() != "" {
				t.Errorf("challenge %q", r.challenge())
			}
		})
	}
}

func TestHeadersOfAStatus(t *testing.T) {
	s := start(t, Options{}, Org{})
	r := login(t, client(t), s, http.MethodGet, testPath)
	r.header.Del("Date")
	want := http.Header{
		"Content-Length":                    {"20"},
		"Content-Type":                      {"application/json"},
		"Referrer-Policy":                   {"strict-origin-when-cross-origin"},
		"Strict-Transport-Security":         {"max-age=0; includeSubdomains;"},
		"Vary":                              {"Accept-Encoding"},
		"X-Content-Type-Options":            {"nosniff"},
		"X-Frame-Options":                   {"DENY"},
		"X-Mongodb-Service-Version":         {defaultVersion},
		"X-Permitted-Cross-Domain-Policies": {"none"},
	}
	if !maps.EqualFunc(r.header, want, slices.Equal) {
		t.Errorf("got %v", r.header)
	}
}

func TestMissingRoleWithChallenge(t *testing.T) {
	s := start(t, Options{}, Org{Answer: MissingRole(true)})
	r := login(t, client(t), s, http.MethodGet, testPath)
	if r.status != 401 || !strings.Contains(r.body, `"USER_UNAUTHORIZED"`) || !strings.HasPrefix(r.challenge(), "Digest realm=") || r.isStale() {
		t.Errorf("got %+v", r)
	}
	if c := s.OrgCounts(testOrg); c.Challenges != 1 || c.Refused != 0 {
		t.Errorf("counts: %+v", c)
	}
}

func TestSequence(t *testing.T) {
	s := start(t, Options{}, Org{Answer: Sequence(HTML(502), UnexpectedError(), Status("SYNCED"))})
	for i, want := range []int{502, 500, 200, 200} {
		if r := login(t, client(t), s, http.MethodGet, testPath); r.status != want {
			t.Errorf("request %d: got %d, want %d", i, r.status, want)
		}
	}
	s.SetOrg(testOrg, Org{Answer: Sequence()})
	if r := login(t, client(t), s, http.MethodGet, testPath); r.body != syncedBody {
		t.Errorf("empty sequence: %s", r.body)
	}
}

func TestFlippingReportsWhatItWrites(t *testing.T) {
	now := clock.New()
	var reported []string
	s := start(t, Options{OnStatus: func(org, status string) { reported = append(reported, org+" "+status) }},
		Org{Answer: Flipping(time.Minute, now.Now)})
	for _, want := range []string{"SYNCED", "SYNCED", "NOT_SYNCED", "NOT_SYNCED", "SYNCED"} {
		if r := login(t, client(t), s, http.MethodGet, testPath); r.body != `{"status": "`+want+`"}` {
			t.Errorf("got %s, want %s", r.body, want)
		}
		now.Advance(30 * time.Second)
		if got := reported[len(reported)-1]; got != testOrg+" "+want {
			t.Errorf("reported %q, want %s", got, want)
		}
	}
}

func TestHugeBodyLength(t *testing.T) {
	const n = 1<<20 + 7
	s := start(t, Options{}, Org{Answer: HugeBody(n)})
	if r := login(t, client(t), s, http.MethodGet, testPath); len(r.body) != n {
		t.Errorf("%d bytes, want %d", len(r.body), n)
	}
}
