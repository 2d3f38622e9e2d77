package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// list gets a page of organizations with a token of the test account.
func list(t testing.TB, s *Server, query string) reply {
	t.Helper()
	c := client(t)
	return do(t, c, http.MethodGet, s.URL()+listPath+query, "Bearer "+newToken(t, c, s))
}

func TestListFormat(t *testing.T) {
	s := startWithAccount(t, Options{PathPrefix: "/om"}, Account{})
	s.SetOrg("5f1e9c2b8d3a4e0012ab34ce", Org{Name: "Risk \"and\"\nmore", Deleted: true})
	r := list(t, s, "?itemsPerPage=1")
	want := fmt.Sprintf(`{"links":[{"href":"%[1]s/api/public/v1.0/orgs?pageNum=1&itemsPerPage=1","rel":"self"},{"href":"%[1]s/api/public/v1.0/orgs?pageNum=2&itemsPerPage=1","rel":"next"}],`+
		`"results":[{"id":"5f1e9c2b8d3a4e0012ab34cd","isDeleted":false,"links":[{"href":"%[1]s/api/public/v1.0/orgs/5f1e9c2b8d3a4e0012ab34cd","rel":"self"}],"name":""}],"totalCount":2}`, s.URL())
	if r.status != 200 || strings.ReplaceAll(r.body, `\u0026`, "&") != want {
		t.Errorf("got %d %s\nwant %s", r.status, r.body, want)
	}
	r = list(t, s, "?itemsPerPage=1&pageNum=2")
	if want := `"isDeleted":true,`; !strings.Contains(r.body, want) || !strings.Contains(r.body, `"name":"Risk \"and\"\nmore"`) || strings.Contains(r.body, `"next"`) {
		t.Errorf("second page: %s", r.body)
	}
	if r := list(t, s, "?includeDeletedOrgs=false"); !strings.Contains(r.body, `"totalCount":1}`) {
		t.Errorf("without deleted ones: %s", r.body)
	}
}

// 1,200 organizations: all are seen by a global key, every third by an organization's.
func TestListPages(t *testing.T) {
	s := startWithAccount(t, Options{}, Account{})
	s.RemoveOrg(testOrg)
	var all, every3rd []string
	for i := range 1200 {
		id := fmt.Sprintf("5f1e9c2b8d3a4e%010x", i)
		all = append(all, id)
		o := Org{Keys: []string{testPublic}}
		if i%3 == 0 {
			o.Keys = append(o.Keys, testClient)
			every3rd = append(every3rd, id)
		}
		s.SetOrg(id, o)
	}
	read := func(size, pages int) (ids []string) {
		t.Helper()
		for page := 1; ; page++ {
			r := list(t, s, fmt.Sprintf("?pageNum=%d&itemsPerPage=%d", page, size))
			var answer struct {
				Results    []struct{ ID string }
				TotalCount int
				Links      []struct{ Rel string }
			}
			if err := json.Unmarshal([]byte(r.body), &answer); err != nil || r.status != 200 {
				t.Fatalf("%d %s: %v", r.status, r.body, err)
			}
			for _, o := range answer.Results {
				ids = append(ids, o.ID)
			}
			if last := page == pages; last != (len(answer.Links) == 1) || last != (len(ids) == answer.TotalCount) {
				t.Fatalf("page %d: %d of %d, links %v", page, len(ids), answer.TotalCount, answer.Links)
			} else if last {
				return ids
			}
		}
	}
	if got := read(500, 1); !reflect.DeepEqual(got, every3rd) {
		t.Errorf("account of an organization: %d", len(got))
	}
	s.SetGlobal(testClient)
	if got := read(500, 3); !reflect.DeepEqual(got, all) {
		t.Errorf("global account: %d", len(got))
	}
	if r := list(t, s, "?pageNum=4&itemsPerPage=500"); !strings.Contains(r.body, `"results":[],"totalCount":1200}`) {
		t.Errorf("after the last page: %.300s", r.body)
	}
	if r := list(t, s, ""); strings.Count(r.body, `"isDeleted"`) != 100 {
		t.Errorf("default size: %d", strings.Count(r.body, `"isDeleted"`))
	}
}

func TestListRejects(t *testing.T) {
	s := startWithAccount(t, Options{}, Account{})
	for _, query := range []string{"?itemsPerPage=501", "?itemsPerPage=0", "?pageNum=0", "?pageNum=-1", "?pageNum=x", "?pageNum=99999999999", "?pageNum="} {
		if r := list(t, s, query); r.status != 400 || !strings.Contains(r.body, "INVALID_QUERY_PARAMETER") {
			t.Errorf("%s: %+v", query, r)
		}
	}
	c := client(t)
	if r := do(t, c, http.MethodGet, s.URL()+listPath, ""); r.status != 401 {
		t.Errorf("without credentials: %+v", r)
	}
	if r := do(t, c, http.MethodPost, s.URL()+listPath, "Bearer "+newToken(t, c, s)); r.status != 405 {
		t.Errorf("POST: %+v", r)
	}
	s.SetList(UnexpectedError())
	if r := list(t, s, ""); r.status != 500 {
		t.Errorf("replaced: %+v", r)
	}
	s.SetList(nil)
	if r := login(t, c, s, http.MethodGet, listPath); r.status != 200 || !strings.Contains(r.body, testOrg) {
		t.Errorf("digest: %+v", r)
	}
}

func TestDeletedOrgHasNoStatus(t *testing.T) {
	s := start(t, Options{}, Org{Deleted: true})
	if r := login(t, client(t), s, http.MethodGet, testPath); r.status != 404 || !strings.Contains(r.body, "ORG_NOT_FOUND") {
		t.Errorf("%+v", r)
	}
}
