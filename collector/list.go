package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

// maxPages limits a list of organizations, whatever its server says: a configuration
// cannot hold more organizations than are on so many pages.
const maxPages = 200

// listing is the list of organizations that one pair of credentials can see.
type listing struct {
	target *target
	owner  *organization // whose own credentials they are; nil if they are those of the Ops Manager
	key    config.KeyPair
	orgs   []opsmanager.Organization // with IDs in lower case, each once
	total  int                       // as counted by Ops Manager
	err    error
	at     time.Time // when the list was complete or failed
}

// list reads one list for each credentials of t and its organizations, and only one for
// those that are equal. The lists are in the order of the configuration.
func (t *target) list(ctx context.Context, orgs []*organization) []*listing {
	var all []*listing
	if t.key != nil {
		all = append(all, &listing{target: t})
	}
	for _, org := range orgs {
		if org.key != nil {
			all = append(all, &listing{target: t, owner: org})
		}
	}
	limit := t.settings.MaxConcurrentRequests
	err := t.refreshTLS()
	inParallel(all, limit, func(l *listing) {
		if err != nil {
			l.err = &opsmanager.Error{Reason: opsmanager.ReasonTLS, Err: &advice.FileError{Err: err}}
			return
		}
		l.readKey()
	})
	var distinct []*listing
	for _, l := range all {
		same := func(o *listing) bool { return o.err == nil && o.key.Equal(l.key) }
		if l.err != nil || !slices.ContainsFunc(distinct, same) {
			distinct = append(distinct, l)
		}
	}
	inParallel(distinct, limit, func(l *listing) {
		if l.err == nil {
			l.err = l.read(ctx)
		}
		l.at = time.Now()
	})
	return distinct
}

// inParallel calls do for each item, for at most limit of them at once.
func inParallel[T any](items []T, limit int, do func(T)) {
	slots := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for _, item := range items {
		slots <- struct{}{}
		wg.Go(func() {
			do(item)
			<-slots
		})
	}
	wg.Wait()
}

// source returns where the credentials come from.
func (l *listing) source() *config.Credentials {
	if l.owner != nil {
		return l.owner.config.Credentials
	}
	return l.target.settings.Credentials
}

func (l *listing) readKey() {
	value := l.target.key
	if l.owner != nil {
		value = l.owner.key
	}
	var err error
	if l.key, err = value.Get(l.target.patience()); err != nil {
		l.err = &opsmanager.Error{Reason: opsmanager.ReasonCredentials, Err: err}
	}
}

// read reads all pages, each within the timeout of a poll. If one fails, it returns an
// [*opsmanager.Error] and keeps those before.
func (l *listing) read(ctx context.Context) error {
	seen := make(map[string]bool)
	for page := 1; page <= maxPages; page++ {
		p, err := l.readPage(ctx, page)
		if err != nil {
			return err
		}
		before := len(seen)
		for _, o := range p.Organizations {
			o.ID = strings.ToLower(o.ID)
			if !seen[o.ID] {
				seen[o.ID] = true
				l.orgs = append(l.orgs, o)
			}
		}
		l.total = p.Total
		full := p.Total == 0 && len(p.Organizations) == opsmanager.OrganizationsPerPage // nothing says whether there are more
		if len(seen) == before || len(seen) >= p.Total && !p.Next && !full {
			return nil
		}
	}
	return &opsmanager.Error{Reason: opsmanager.ReasonBadResponse, Err: fmt.Errorf("the list of organizations has more than %d pages", maxPages)}
}

func (l *listing) readPage(ctx context.Context, page int) (opsmanager.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, l.target.settings.Timeout)
	defer cancel()
	return l.target.client.Organizations(ctx, l.key, page)
}

// warnings says what is odd about a list.
func (l *listing) warnings() []string {
	var all, invalid []string
	for _, o := range l.orgs {
		if !o.Deleted && !isOrgID(o.ID) {
			invalid = append(invalid, fmt.Sprintf("%q", text.Shortened(text.Printable(o.ID))))
		}
	}
	if len(invalid) > 0 {
		all = append(all, fmt.Sprintf("%s without 24 hexadecimal digits as ID left out: %s", text.Count(len(invalid), "organization"), text.Few(invalid)))
	}
	if l.err == nil && len(l.orgs) < l.total {
		all = append(all, fmt.Sprintf("Ops Manager counts %s, but lists %d", text.Count(l.total, "organization"), len(l.orgs)))
	}
	return all
}

func isOrgID(id string) bool { return len(id) == 24 && strings.Trim(id, "0123456789abcdef") == "" }

// advice returns the advice for the failure of a list.
func (l *listing) advice() advice.Advice {
	t := l.target
	failed := advice.Trouble{Err: l.err, At: l.at, Manager: &t.settings, OwnKey: l.owner != nil, Key: l.key}
	t.mu.Lock()
	failed.TLS = t.tlsConfig
	t.mu.Unlock()
	return advice.Of(failed)
}
