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
	"sync"

	"opsmanager_exporter/collector"
)

// maxHost is more than the longest name with a port, in bytes: the host of a
// request goes into the answer once for each organization.
const maxHost = 300

// sd serves Prometheus' HTTP service discovery (Prometheus documentation, "HTTP
// SD"): a /probe target for each configured organization, at the host that the
// request names, or at the external URL. It polls nothing.
func (s *server) sd(w http.ResponseWriter, r *http.Request) {
	scheme, host, probe := "http", r.Host, s.prefix+ProbePath
	if r.TLS != nil {
		scheme = "https"
	}
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && host == "" {
		host = addr.String() // HTTP/1.0 names no host
	}
	if u := s.ExternalURL; u != nil {
		scheme, host, probe = u.Scheme, u.Host, path.Join("/", u.Path, ProbePath)
	}
	if len(host) > maxHost {
		http.Error(w, "the host of this request is too long", http.StatusBadRequest)
		return
	}
	d, err := s.discoveries.of(s.Exporter.Targets())
	if err != nil {
		s.Logger.Error("Targets could not be listed", "err", err)
		http.Error(w, "the targets could not be listed", http.StatusInternalServerError)
		return
	}
	head := fmt.Appendf(nil, `{"targets":[%s],"labels":{"__scheme__":%s,"__metrics_path__":%s,`, quote(host), quote(scheme), quote(probe))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(d.length(head)))
	if r.Method == http.MethodHead {
		return
	}
	// The head is put before each group on the way: an answer by itself takes next
	// to no memory.
	s.backlog.send(w, 0, func(to *sending) {
		_ = d.write(to, head) // a client that has left, or does not read
	})
}

// quote returns a text as JSON.
func quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // never: any string can be quoted
	}
	return quoted
}

// discovery is what /sd answers for one configuration, without what depends on
// the request. It is not modified.
type discovery struct {
	targets *collector.Targets
	tails   [][]byte // of the target groups, in JSON: what follows the head
	size    int      // of all tails, in bytes
}

// discoveries keeps the newest. It may be used concurrently.
type discoveries struct {
	mu     sync.Mutex
	newest *discovery
}

// of returns the discovery of a configuration.
func (c *discoveries) of(targets *collector.Targets) (*discovery, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest != nil && c.newest.targets == targets {
		return c.newest, nil
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
		labels, err := json.Marshal(found)
		if err != nil {
			return nil, fmt.Errorf("list organization %s for service discovery: %w", org.ID, err)
		}
		tail := slices.Concat(labels[1:], []byte("}")) // its first brace is in the head
		d.tails = append(d.tails, tail)
		d.size += len(tail)
	}
	c.newest = d
	return d, nil
}

// length returns how many bytes write writes.
func (d *discovery) length(head []byte) int {
	commas := max(len(d.tails)-1, 0)
	return len("[") + len(d.tails)*len(head) + d.size + commas + len("]")
}

// write writes the answer to a request for which each target group begins with
// head.
func (d *discovery) write(to io.Writer, head []byte) error {
	w := bufio.NewWriter(to)
	_ = w.WriteByte('[') // a bufio.Writer keeps its error until Flush
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
