package collector

import (
	"log/slog"

	"opsmanager_exporter/collector/opsmanager"
)

// manyAlike is up to how many organizations of one Ops Manager are logged
// individually for the same change in one scrape. More share one line, with one
// error as an example.
const manyAlike = 5

// change is the news of one organization.
type change struct {
	org    *organization
	news   news
	result Result
}

// logChanges logs what changed in a scrape, and at debug level what is still
// failing.
func logChanges(logger *slog.Logger, changes []change) {
	type kind struct {
		target *target
		news   news
		status opsmanager.Status
		reason opsmanager.Reason
	}
	var order []kind
	groups := make(map[kind][]change)
	for _, c := range changes {
		k := kind{target: c.org.target, news: c.news, status: c.result.Status}
		if c.result.Err != nil {
			k.reason = opsmanager.ReasonOf(c.result.Err) // not the text, which may contain a local port
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], c)
	}
	for _, k := range order {
		group := groups[k]
		if len(group) <= manyAlike {
			for _, c := range group {
				log(logger.With("org_id", c.result.OrgID, "org_name", c.result.OrgName), k.target, c)
			}
			continue
		}
		ids := make([]string, len(group))
		for i, c := range group {
			ids[i] = c.result.OrgID
		}
		log(logger.With("organizations", len(group), "for_example", ids[0]), k.target, group[0])
		logger.Debug("All organizations affected by this", "org_ids", ids)
	}
}

func log(logger *slog.Logger, t *target, c change) {
	logger = logger.With("ops_manager", t.settings.Name)
	switch c.news {
	case newsUnknown, newsNone:
		if c.result.Err == nil {
			return
		}
		reason := opsmanager.ReasonOf(c.result.Err)
		if c.news == newsNone {
			logger.Debug("Migration link status is still unknown", "reason", reason, "err", c.result.Err)
			return
		}
		logger.Warn("Migration link status is unknown", "reason", reason, "err", c.result.Err, "fix", reason.Fix())
	case newsNotSynced:
		logger.Warn("Migration link is not synced", "status", c.result.Status,
			"fix", c.result.Status.Fix())
	case newsRecovered:
		logger.Info("Migration link is synced", "status", c.result.Status)
	}
}
