// Package statuspage serves the page for people: what the last scrape saw of
// each organization, and what to do where it did not see a working link.
package statuspage

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"opsmanager_exporter/collector"
)

var (
	//go:embed page.html.tmpl
	markup string
	//go:embed page.css
	style string
)

// Options say what the page shows and where its links lead.
type Options struct {
	// Snapshot is called once per request and must poll nothing. It returns the same
	// pointer as long as there is nothing new.
	Snapshot    func() *collector.Snapshot
	MetricsPath string   // begins with a slash
	ExternalURL *url.URL // where users reach the exporter; nil makes links relative to the page
	Version     string
	PageSize    int              // organizations on a page; default 100
	Now         func() time.Time // default [time.Now]
}

// New returns the handler of the page. It answers GET and HEAD; the query
// parameters q, state, sort and page choose what of the table is shown, refresh
// has the page reload itself. Values that make no sense count as not given. Paths and methods are left to the router.
func New(o Options) http.Handler {
	if o.PageSize <= 0 {
		o.PageSize = 100
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	hash := sha256.Sum256([]byte(style))
	return &handler{
		options:  o,
		template: template.Must(template.New("page").Parse(markup)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
			"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	}
}

type handler struct {
	options  Options
	template *template.Template
	policy   string // Content-Security-Policy
	sorted   sorted
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := h.page(parseFilter(r.URL.Query()))
	// Into a buffer first, so that no one gets half a page.
	var body bytes.Buffer
	if err := h.template.Execute(&body, p); err != nil {
		http.Error(w, "the page cannot be rendered", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	header.Set("Content-Security-Policy", h.policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	if r.Method != http.MethodHead {
		_, _ = body.WriteTo(w) // a client that left
	}
}

// link returns the address of one of the exporter's paths as users reach it.
func (h *handler) link(path string) string {
	if h.options.ExternalURL != nil {
		return h.options.ExternalURL.JoinPath(path).String()
	}
	// With the dot, a colon in the path does not make it a scheme.
	return "./" + strings.TrimPrefix(path, "/")
}

// probe returns the address that polls an organization and tells the story.
func (h *handler) probe(id string) string {
	return h.link("/probe") + "?target=" + url.QueryEscape(id) + "&debug=true"
}
