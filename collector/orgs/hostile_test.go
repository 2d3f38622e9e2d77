package orgs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/config"
)

// Names are text from upstream: whatever they contain, what is printed can be pasted, and
// says the same in YAML and in JSON.
func TestNames(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	for name, tt := range map[string]struct{ name, want string }{
		"none":               {"", ""},
		"comment":            {"a #b", "a #b"},
		"mapping":            {"a: b", "a: b"},
		"colon at the end":   {"a:", "a:"},
		"null":               {"~", "~"},
		"number":             {"1e3", "1e3"},
		"quotes":             {`"it's"`, `"it's"`},
		"backslashes":        {`a\nb\`, `a\nb\`},
		"list":               {"- [a, {b", "- [a, {b"},
		"alias and tag":      {"*a &b !c %d @e `f", "*a &b !c %d @e `f"},
		"document":           {"---\n...\n", "---..."},
		"another setting":    {"a\n        api_key: {public_key_file: /etc/passwd}", "a        api_key: {public_key_file: /etc/passwd}"},
		"another one in CRs": {"a\r- id: x", "a- id: x"},
		"line separators":    {"a\u2028b\u2029c\u0085d\ufeffe", "abcde"},
		"terminal":           {"\x1b[2J\x07a\u202eb\x00", "[2Jab"},
		"not UTF-8":          {"a\xffb", "ab"},
		"nothing printable":  {" \x01 \ufffd", ""},
		"spaces":             {"  a  b  ", "a  b"},
		"other scripts":      {"支付 💶 Zahlung", "支付 💶 Zahlung"},
		"template":           {"{{ .Values.x }} ${HOME} $(id)", "{{ .Values.x }} ${HOME} $(id)"},
		"very long":          {long, long[:400] + "..."},
		"the key":            {"key " + strings.ToUpper(privateKey), ""},
		"the public key":     {publicKey, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, 1)
			s.SetOrg(simulated.OrgID(1), simulator.Org{Name: tt.name})
			s.SetOrg(simulated.OrgID(0), simulator.Org{Name: tt.name}) // in a comment
			got := run(t.Context(), t, false, manager("production", s.URL(), org(0)))
			got.want(t, "")
			orgs := got.pasted(t).OpsManagers[0].Orgs
			if want := (config.Org{ID: simulated.OrgID(1), Name: tt.want}); len(orgs) != 2 || orgs[1] != want {
				t.Errorf("got %+v, want %+v", orgs, want)
			}
			want := tt.want
			if want == "" {
				want = simulated.OrgID(1)
			}
			got = run(t.Context(), t, true, manager("production", s.URL(), org(0)))
			got.want(t, "")
			if records := decoded(t, got.stdout); len(records) != 2 || records[1].OrgName != want {
				t.Errorf("got:\n%.1000s", got.stdout)
			}
		})
	}
}

// page is a page of a list.
type page struct {
	Results    []any `json:"results"`
	TotalCount any   `json:"totalCount,omitempty"`
	Links      []any `json:"links,omitempty"`
}

func listed(id any) any { return map[string]any{"id": id, "name": "a"} }

// pages responds with one page after another, and then with the last one for ever. It
// counts the requests.
func pages(asked *atomic.Int64, of ...page) simulator.Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		i := min(asked.Add(1), int64(len(of))) - 1
		body, _ := json.Marshal(of[i])
		simulator.Body(200, "application/json", string(body))(w, r)
	}
}

func TestInvalidIDs(t *testing.T) {
	s := simulate(t, 0)
	var asked atomic.Int64
	upper := strings.ToUpper(simulated.OrgID(2))
	s.SetList(pages(&asked, page{Results: []any{
		listed("x\n- id: y"), listed(simulated.OrgID(1) + "0"), listed(simulated.OrgID(1)[1:]), listed("5f1e9c2b8d3a4e000000000g"),
		listed(privateKey), listed(""), listed(upper), listed(simulated.OrgID(2)), listed(strings.Repeat("é", 300)),
		map[string]any{"id": "deleted", "isDeleted": true},
		map[string]any{"name": "no ID"},
	}}))
	got := run(t.Context(), t, false, manager("production", s.URL(), org(0)))
	got.want(t, "")
	want := `warning: Ops Manager "production": 6 organizations without 24 hexadecimal digits as ID left out: "x- id: y", "5f1e9c2b8d3a4e00000000010", "f1e9c2b8d3a4e0000000001", "5f1e9c2b8d3a4e000000000g", "" and 1 more` + "\n"
	if got.stderr != want {
		t.Errorf("standard error:\n%swant:\n%s", got.stderr, want)
	}
	if orgs := got.pasted(t).OpsManagers[0].Orgs; len(orgs) != 2 || orgs[1].ID != simulated.OrgID(2) {
		t.Errorf("pasted: %+v", orgs)
	}
}

// Paging ends whatever the server says, and the same organization on several pages is one.
func TestPaging(t *testing.T) {
	elsewhere := simulated.Server(t, simulator.Options{})
	next := []any{map[string]any{"rel": "next", "href": elsewhere.URL() + "/api/public/v1.0/orgs?pageNum=2"}}
	ids := func(from, n int) []any {
		all := []any{}
		for i := range n {
			all = append(all, listed(simulated.OrgID(from+i)))
		}
		return all
	}
	var endless []page
	for i := range 300 {
		endless = append(endless, page{ids(i, 1), 1 << 30, next})
	}
	for name, tt := range map[string]struct {
		pages    []page
		requests int64
		orgs     int
		stderr   string
	}{
		"one":                 {[]page{{ids(0, 2), 2, nil}}, 1, 2, ""},
		"no total":            {[]page{{ids(0, 2), nil, nil}}, 1, 2, ""},
		"no total, but next":  {[]page{{ids(0, 2), nil, next}, {ids(2, 1), nil, nil}}, 2, 3, ""},
		"smaller pages":       {[]page{{ids(0, 2), 3, nil}, {ids(2, 1), 3, nil}}, 2, 3, ""},
		"total too low":       {[]page{{ids(0, 2), 1, next}, {ids(2, 1), 1, nil}}, 2, 3, ""},
		"overlap":             {[]page{{ids(0, 2), 3, next}, {ids(1, 2), 3, nil}}, 2, 3, ""},
		"empty":               {[]page{{ids(0, 0), 0, nil}}, 1, 0, ""},
		"total too high":      {[]page{{ids(0, 2), 5, next}, {ids(0, 0), 5, next}}, 2, 2, "counts 5 organizations, but lists 2"},
		"always the same":     {[]page{{ids(0, 2), 5, next}}, 2, 2, "counts 5 organizations, but lists 2"},
		"negative total":      {[]page{{ids(0, 2), -5, nil}}, 1, 2, ""},
		"endless":             {endless, 200, 200, "bad_response: the list of organizations has more than 200 pages"},
		"null as an item":     {[]page{{[]any{nil}, 1, nil}}, 1, 0, `1 organization without 24 hexadecimal digits as ID left out: ""`},
		"no results":          {[]page{{nil, 1, nil}}, 1, 0, "bad_response: HTTP 200: the body has no member named results"},
		"other type":          {[]page{{[]any{"a"}, 1, nil}}, 1, 0, "bad_response: HTTP 200: the body is not a list of organizations in JSON"},
		"ID of another type":  {[]page{{[]any{listed(5)}, 1, nil}}, 1, 0, "bad_response: HTTP 200: the body is not a list of organizations in JSON"},
		"total of other type": {[]page{{ids(0, 1), "x", nil}}, 1, 0, "bad_response: HTTP 200: the body is not a list of organizations in JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, 0)
			var asked atomic.Int64
			s.SetList(pages(&asked, tt.pages...))
			got := run(t.Context(), t, true, manager("production", s.URL(), org(1000)))
			if failed := strings.HasPrefix(tt.stderr, "bad_response"); failed != (got.err != nil) || (tt.stderr == "") != (got.stderr == "") || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("%v, standard error:\n%s", got.err, got.stderr)
			}
			if records := decoded(t, got.stdout); len(records) != tt.orgs || asked.Load() != tt.requests {
				t.Errorf("%d organizations in %d requests, want %d in %d", len(records), asked.Load(), tt.orgs, tt.requests)
			}
		})
	}
	if c := elsewhere.Counts(); c.Connections != 0 {
		t.Errorf("a link to another host was followed: %+v", c)
	}
}

// A page has a limit, and is trusted only like a status.
func TestUntrustedPages(t *testing.T) {
	huge := fmt.Sprintf(`{"results":[],"padding":%q}`, strings.Repeat("x", 4<<20))
	for name, tt := range map[string]struct {
		answer simulator.Answer
		want   string
	}{
		"too large":  {simulator.Body(200, "application/json", huge), "bad_response: HTTP 200: the body is larger than 4096 KiB"},
		"cached":     {simulator.WithHeader("Age", "60", simulator.List()), "bad_response: HTTP 200: "},
		"login page": {simulator.HTML(200), "bad_response: HTTP 200: "},
		"redirect":   {simulator.Redirect("https://other.example.net/", 302), "redirect: HTTP 302"},
		"cut short":  {simulator.Halved(simulator.List()), "connect: "},
		"two values": {simulator.Body(200, "application/json", `{"results":[]}{"results":[]}`), "bad_response: HTTP 200: the body is not a list of organizations in JSON"},
		"role":       {simulator.MissingRole(false), "role: HTTP 401 USER_UNAUTHORIZED"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, 1)
			s.SetList(tt.answer)
			got := run(t.Context(), t, false, manager("production", s.URL(), org(0)))
			got.want(t, "the organizations of 1 of 1 credential are unknown")
			if !strings.Contains(got.stderr, tt.want) {
				t.Errorf("no %q in:\n%s", tt.want, got.stderr)
			}
		})
	}
	s := simulate(t, 1)
	s.SetList(simulator.Gzip(simulator.List()))
	run(t.Context(), t, false, manager("production", s.URL(), org(0))).want(t, "")
}
