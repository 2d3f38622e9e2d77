package collector

import (
	"context"
	"slices"
	"strings"
	"sync"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

// Visible is what the credentials of one Ops Manager can see.
type Visible struct {
	OpsManager string
	URL        string
	// Orgs are the organizations that exist, each once and under one Ops Manager only:
	// the one that it is configured for, or else the first whose credentials see it.
	Orgs []VisibleOrg
	// Credentials is the number of different credentials that were used.
	Credentials int
	// Failures are those that could not read their list, or not all of it.
	Failures []ListFailure
	// Warnings say in printable text what is odd about the lists.
	Warnings []string
}

// VisibleOrg is an organization that credentials can see.
type VisibleOrg struct {
	ID         string // 24 lower-case hexadecimal digits
	Name       string // in Ops Manager, in printable form; "" if it has none
	Configured bool
	// Owner is the configured organization whose own credentials see this one. It is nil
	// if those of the Ops Manager do.
	Owner *config.Org
}

// ListFailure is a list of organizations that could not be read.
type ListFailure struct {
	Owner  *config.Org // as in [VisibleOrg]
	Kind   config.Kind // of the credentials
	Err    error
	Advice advice.Advice
}

// Unconfigured returns the number of organizations that are not configured.
func (v *Visible) Unconfigured() int {
	n := 0
	for i := range v.Orgs {
		if !v.Orgs[i].Configured {
			n++
		}
	}
	return n
}

// Visible asks the Ops Managers, or those for which ask returns true if it is not nil,
// which organizations their credentials can see. The results are in the order of the
// configuration. Visible returns false if ctx was canceled. It never runs as part of a
// scrape.
func (t *Targets) Visible(ctx context.Context, ask func(opsManager string) bool) ([]Visible, bool) {
	asked := slices.DeleteFunc(slices.Clone(t.list), func(m *target) bool { return ask != nil && !ask(m.settings.Name) })
	lists := make([][]*listing, len(asked))
	var wg sync.WaitGroup
	for i, m := range asked {
		var orgs []*organization
		for _, org := range t.orgs {
			if org.target == m {
				orgs = append(orgs, org)
			}
		}
		wg.Go(func() { lists[i] = m.list(ctx, orgs) })
	}
	wg.Wait()
	if cancelled(ctx) {
		return nil, false
	}
	all := make([]Visible, len(asked))
	at := make(map[*target]*Visible)
	for i, m := range asked {
		all[i] = Visible{OpsManager: m.settings.Name, URL: m.settings.URL.Redacted(), Credentials: len(lists[i])}
		at[m] = &all[i]
	}
	flat := slices.Concat(lists...)
	// Those of Ops Managers first: an organization that they see needs no credentials of
	// its own.
	slices.SortStableFunc(flat, func(a, b *listing) int { return rank(a) - rank(b) })
	taken := make(map[string]bool)
	for _, l := range flat {
		v := at[l.target]
		v.add(l)
		for _, o := range l.orgs {
			if o.Deleted || !isOrgID(o.ID) || taken[o.ID] {
				continue
			}
			taken[o.ID] = true
			configured := t.byID[o.ID]
			home := v
			if configured != nil && at[configured.target] != nil {
				home = at[configured.target]
			}
			home.Orgs = append(home.Orgs, VisibleOrg{
				ID: o.ID, Name: printableName(o.Name), Configured: configured != nil, Owner: l.ownerConfig(),
			})
		}
	}
	return all, true
}

func rank(l *listing) int {
	if l.owner != nil {
		return 1
	}
	return 0
}

// add adds what failed or is odd.
func (v *Visible) add(l *listing) {
	v.Warnings = append(v.Warnings, l.warnings()...)
	if l.err != nil {
		v.Failures = append(v.Failures, ListFailure{Owner: l.ownerConfig(), Kind: l.source().Kind, Err: l.err, Advice: l.advice()})
	}
}

func (l *listing) ownerConfig() *config.Org {
	if l.owner == nil {
		return nil
	}
	return &l.owner.config
}

// printableName returns a name that a configuration accepts, or "".
func printableName(name string) string {
	const replacement = "\ufffd" // of text that is not UTF-8; the configuration rejects it
	return text.Shortened(strings.TrimSpace(text.Printable(strings.ReplaceAll(name, replacement, ""))))
}
