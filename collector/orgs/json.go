package orgs

import (
	"bytes"
	"cmp"
	"encoding/json"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/text"
)

// record is an organization in the JSON output. The names and order of its members are
// part of the interface.
type record struct {
	OrgID      string `json:"org_id"`
	OrgName    string `json:"org_name"` // the ID if Ops Manager has no name
	OpsManager string `json:"ops_manager"`
	Configured bool   `json:"configured"`
	// CredentialsOf is the organization whose own credentials see this one, null if
	// those of the Ops Manager do.
	CredentialsOf *string `json:"credentials_of"`
}

// jsonText returns an array with one object for each organization.
func jsonText(all []collector.Visible) string {
	records := []record{} // not nil, which would encode as null
	for i := range all {
		for _, o := range all[i].Orgs {
			r := record{OrgID: o.ID, OrgName: cmp.Or(o.Name, o.ID), OpsManager: text.Printable(all[i].OpsManager), Configured: o.Configured}
			if o.Owner != nil {
				r.CredentialsOf = &o.Owner.ID
			}
			records = append(records, r)
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(records) // writing to a buffer never fails, and the types can always be encoded
	return b.String()
}
