// Package statuspage serves the status page: what the last scrape read for each
// organization, and how to fix what is wrong.
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

// Options configure the page.
type Options struct {
	// Snapshot is called once per request and must not poll. It returns the same
	// pointer as long as nothing has changed.
	Snapshot    func() *collector.Snapshot
	MetricsPath string   // begins with a slash
	ExternalURL *url.URL // URL under which users reach the exporter; nil makes links relative to the page
	Version     string
	PageSize    int              // organizations per page; default 100
	Now         func() time.Time // default [time.Now]
}

// New returns the handler of the page. The query parameters q, state, sort and page
// select what the table shows; refresh makes the page refresh itself. Invalid values
// are ignored. The handler supports GET and HEAD and leaves paths and methods to the
// router.
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
	// Render into a buffer first, so that an error does not leave half a page.
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
		_, _ = body.WriteTo(w) // fails only if the client is gone
	}
}

// link returns the URL of one of the exporter's paths.
func (h *handler) link(path string) string {
	if h.options.ExternalURL != nil {
		return h.options.ExternalURL.JoinPath(path).String()
	}
	// The dot keeps a colon in the path from turning it into a scheme.
	return "./" + strings.TrimPrefix(path, "/")
}

// probe returns the URL of the debug probe of an organization.
func (h *handler) probe(id string) string {
	return h.link("/probe") + "?target=" + url.QueryEscape(id) + "&debug=true"
}
