package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
)

// record is an organization in the JSON output. The names and order of its members
// are part of the interface.
type record struct {
	OrgID      string  `json:"org_id"`
	OrgName    string  `json:"org_name"` // the ID if no name is configured
	OpsManager string  `json:"ops_manager"`
	Team       *string `json:"team"`
	// Credentials is the kind: api_key or service_account.
	Credentials string             `json:"credentials"`
	Status      *opsmanager.Status `json:"status"`
	Reason      *opsmanager.Reason `json:"reason"`
	Problem     *string            `json:"problem"`
	Fix         *string            `json:"fix"`
	Duration    float64            `json:"duration_seconds"`
}

// jsonText returns an array with one object for each organization.
func jsonText(findings []finding) string {
	records := make([]record, len(findings)) // not nil, which would encode as null
	for i := range findings {
		f := &findings[i]
		records[i] = record{
			OrgID:       f.ID,
			OrgName:     cmp.Or(f.name(), f.ID),
			OpsManager:  text.Printable(f.OpsManager),
			Team:        orNull(text.Printable(f.Team)),
			Credentials: f.Credentials.Setting(),
			Status:      orNull(f.Status),
			Reason:      orNull(f.reason()),
			Duration:    f.Duration.Round(time.Microsecond).Seconds(),
		}
		if f.reason() != "" {
			records[i].Problem, records[i].Fix = &f.Advice.Problem, &f.Advice.Fix
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(records) // writing to a buffer never fails, and the types can always be encoded
	return b.String()
}

// orNull returns nil for "".
func orNull[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}
