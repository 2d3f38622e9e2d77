package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	listPath        = "/api/public/v1.0/orgs"
	itemsPerPage    = 100
	maxItemsPerPage = 500
)

// SetList replaces the response to authenticated requests for the list of organizations,
// from the next request on. nil means List().
func (s *Server) SetList(a Answer) {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	s.shared.list = a
}

// SetGlobal lets a key or account see and read all organizations, like a key of the Ops
// Manager itself.
func (s *Server) SetGlobal(caller string) {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	s.shared.global[caller] = true
}

func (s *Server) listAnswer() Answer {
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	if s.shared.list != nil {
		return s.shared.list
	}
	return List()
}

// mayRead reports whether a key or account has a role in an organization.
func (s *Server) mayRead(o Org, caller string) bool {
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	return s.shared.mayRead(o, caller)
}

// mayRead is [Server.mayRead]. The caller holds the mutex.
func (s *shared) mayRead(o Org, caller string) bool {
	return o.Keys == nil || s.global[caller] || slices.Contains(o.Keys, caller)
}

// List responds with a page of the organizations that the caller may read, ordered by ID. It
// honors pageNum, itemsPerPage and includeDeletedOrgs.
func List() Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		e := exchangeOf(r)
		if e == nil {
			return
		}
		query := r.URL.Query()
		page, size := number(query, "pageNum", 1), number(query, "itemsPerPage", itemsPerPage)
		if page < 1 || size < 1 || size > maxItemsPerPage {
			Code(http.StatusBadRequest, "INVALID_QUERY_PARAMETER")(w, r)
			return
		}
		ids, orgs := e.server.visible(e.caller, query.Get("includeDeletedOrgs") != "false")
		first := min((page-1)*size, len(ids))
		last := min(first+size, len(ids))
		var items []string
		for _, id := range ids[first:last] {
			items = append(items, fmt.Sprintf(`{"id":%s,"isDeleted":%t,"links":[%s],"name":%s}`,
				quote(id), orgs[id].Deleted, e.link("self", listPath+"/"+id), quote(orgs[id].Name)))
		}
		links := []string{e.link("self", fmt.Sprintf("%s?pageNum=%d&itemsPerPage=%d", listPath, page, size))}
		if last < len(ids) {
			links = append(links, e.link("next", fmt.Sprintf("%s?pageNum=%d&itemsPerPage=%d", listPath, page+1, size)))
		}
		writePage(w, r, fmt.Appendf(nil, `{"links":[%s],"results":[%s],"totalCount":%d}`,
			strings.Join(links, ","), strings.Join(items, ","), len(ids)))
	}
}

// visible returns the organizations that a key or account may read, by ID, and their sorted
// IDs.
func (s *Server) visible(caller string, deleted bool) (ids []string, orgs map[string]Org) {
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	orgs = make(map[string]Org)
	for id, o := range s.shared.orgs {
		if (deleted || !o.Deleted) && s.shared.mayRead(o, caller) {
			orgs[id] = o
		}
	}
	return slices.Sorted(maps.Keys(orgs)), orgs
}

func (e *exchange) link(rel, path string) string {
	return `{"href":` + quote(e.server.url+path) + `,"rel":` + quote(rel) + `}`
}

// number returns an integer of a query, or 0 if it is none or too large.
func number(query url.Values, name string, unset int) int {
	if !query.Has(name) {
		return unset
	}
	n, err := strconv.ParseInt(query.Get(name), 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}
