package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// record is an organization in the JSON output. The names and the order of its
// members are an interface.
type record struct {
	OrgID      string             `json:"org_id"`
	OrgName    string             `json:"org_name"` // the ID where no name is configured
	OpsManager string             `json:"ops_manager"`
	Status     *opsmanager.Status `json:"status"`
	Reason     *opsmanager.Reason `json:"reason"`
	Problem    *string            `json:"problem"`
	Fix        *string            `json:"fix"`
	Duration   float64            `json:"duration_seconds"`
}

// jsonText returns an array with one object for each organization.
func jsonText(findings []finding) string {
	records := make([]record, len(findings)) // Not nil, which would be null.
	for i := range findings {
		f := &findings[i]
		records[i] = record{
			OrgID:      f.org.ID,
			OrgName:    cmp.Or(f.name(), f.org.ID),
			OpsManager: printable(f.manager.Name),
			Status:     orNull(f.status),
			Reason:     orNull(f.reason),
			Problem:    orNull(f.problem),
			Fix:        orNull(f.fix),
			Duration:   f.duration.Round(time.Microsecond).Seconds(),
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(records) // A buffer accepts everything, and the types always encode.
	return b.String()
}

// orNull returns nil for "".
func orNull[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}
