package web

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"opsmanager_exporter/collector"
)

// maxHost is the maximum length of the Host header, in bytes, more than the longest
// name with a port. The response repeats it for each organization.
const maxHost = 300

// sd serves Prometheus HTTP service discovery (Prometheus documentation, "HTTP SD"):
// a /probe target for each configured organization, at the external URL or, without
// one, the host of the request. It does not poll.
func (s *server) sd(w http.ResponseWriter, r *http.Request) {
	scheme, host, base := s.reached(r)
	probe := base + ProbePath
	if len(host) > maxHost {
		http.Error(w, "the Host header of this request is too long", http.StatusBadRequest)
		return
	}
	d := s.discoveries.of(s.Exporter.Targets())
	head := fmt.Appendf(nil, `{"targets":[%s],"labels":{"__scheme__":%s,"__metrics_path__":%s,`, encode(host), encode(scheme), encode(probe))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(d.length(head)))
	if r.Method == http.MethodHead {
		return
	}
	// The head is added to each group while sending, so a response takes almost no
	// memory of its own.
	s.backlog.send(w, 0, func(to *sending) {
		_ = d.write(to, head) // fails only if the client is gone or does not read
	})
}

// reached returns where users reach the exporter: the external URL or, without one,
// the host of the request. base is the prefix of every path, without a trailing
// slash.
func (s *server) reached(r *http.Request) (scheme, host, base string) {
	if u := s.ExternalURL; u != nil {
		return u.Scheme, u.Host, strings.TrimSuffix(path.Join("/", u.Path), "/")
	}
	scheme, host = "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && host == "" {
		host = addr.String() // HTTP/1.0 requests may lack a host
	}
	return scheme, host, s.prefix
}

// encode returns a string, or a map of strings, as JSON.
func encode(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // cannot happen: any string can be encoded
	}
	return encoded
}

// discovery is the part of the /sd response that does not depend on the request. It
// is not modified.
type discovery struct {
	targets *collector.Targets
	tails   [][]byte // of the target groups, in JSON: what follows the head
	size    int      // of all tails, in bytes
}

// discoveries keeps the newest discovery. It is safe for concurrent use.
type discoveries struct {
	mu     sync.Mutex
	newest *discovery
}

// of returns the discovery for targets.
func (c *discoveries) of(targets *collector.Targets) *discovery {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest != nil && c.newest.targets == targets {
		return c.newest
	}
	d := &discovery{targets: targets}
	for _, org := range targets.Orgs() {
		found := map[string]string{
			"__param_target":                org.ID,
			"instance":                      org.ID,
			"__meta_opsmanager_org_name":    org.Name,
			"__meta_opsmanager_ops_manager": org.OpsManager,
		}
		if org.Team != "" {
			found["__meta_opsmanager_team"] = org.Team
		}
		tail := slices.Concat(encode(found)[1:], []byte("}")) // the opening brace is in the head
		d.tails = append(d.tails, tail)
		d.size += len(tail)
	}
	c.newest = d
	return d
}

// length returns how many bytes write writes.
func (d *discovery) length(head []byte) int {
	commas := max(len(d.tails)-1, 0)
	return len("[") + len(d.tails)*len(head) + d.size + commas + len("]")
}

// write writes the response, in which each target group begins with head.
func (d *discovery) write(to io.Writer, head []byte) error {
	w := bufio.NewWriter(to)
	_ = w.WriteByte('[') // a bufio.Writer returns its first error again from Flush
	for i, tail := range d.tails {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.Write(head)
		if _, err := w.Write(tail); err != nil {
			return err
		}
	}
	_ = w.WriteByte(']')
	return w.Flush()
}
