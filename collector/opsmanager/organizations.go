package opsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"opsmanager_exporter/config"
)

const (
	// OrganizationsPerPage is the number of organizations on a page: the most that Ops
	// Manager accepts.
	OrganizationsPerPage = 500
	// maxOrganizations limits the size of a page in bytes: over 8 KiB for each of its
	// organizations.
	maxOrganizations = 4 << 20
)

// Organization is an organization as listed by Ops Manager. Its texts come from upstream.
type Organization struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Deleted bool   `json:"isDeleted"`
}

// Page is one page of a list of organizations.
type Page struct {
	Organizations []Organization
	Total         int  // on all pages, as counted by Ops Manager; 0 if it does not say
	Next          bool // Ops Manager says that there is another page
}

// Organizations returns a page, counted from 1, of the organizations that the owner of
// the key can see, or an [*Error]. An ID or a name that repeats the key is left empty.
//
// GET /api/public/v1.0/orgs (Ops Manager documentation, "Get All Organizations"). The
// links between pages are not followed: they may lead to another host.
func (c *Client) Organizations(ctx context.Context, key config.KeyPair, page int) (Page, error) {
	a, err := c.Round().get(ctx, key, c.list(page), maxOrganizations)
	if err != nil {
		return Page{}, err
	}
	p, err := parsePage(a.body)
	if err != nil {
		return Page{}, &Error{Reason: ReasonBadResponse, StatusCode: a.code, Err: err}
	}
	for i := range p.Organizations {
		o := &p.Organizations[i]
		for _, text := range []*string{&o.ID, &o.Name} {
			if a.auth.echoes(*text) {
				*text = ""
			}
		}
	}
	return p, nil
}

// list returns the URL of a page of the list of organizations.
func (c *Client) list(page int) *url.URL {
	u := *c.orgs
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	u.RawQuery = fmt.Sprintf("pageNum=%d&itemsPerPage=%d", page, OrganizationsPerPage)
	return &u
}

// parsePage parses the body of a response with code 200. Its errors do not quote it.
func parsePage(body []byte) (Page, error) {
	type link struct {
		Rel string `json:"rel"`
	}
	var list struct {
		Results    *[]Organization `json:"results"`
		TotalCount int             `json:"totalCount"`
		Links      []link          `json:"links"`
	}
	if json.Unmarshal(body, &list) != nil {
		return Page{}, errors.New("the body is not a list of organizations in JSON")
	}
	if list.Results == nil {
		return Page{}, errors.New("the body has no member named results")
	}
	return Page{
		Organizations: *list.Results,
		Total:         list.TotalCount,
		Next:          slices.ContainsFunc(list.Links, func(l link) bool { return l.Rel == "next" }),
	}, nil
}
