package check

import (
	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
)

// finding is the result of polling one organization.
type finding collector.OrgSnapshot

// reason returns why the status is unknown, or "" if it is known.
func (f *finding) reason() opsmanager.Reason {
	if f.Err == nil {
		return ""
	}
	return opsmanager.ReasonOf(f.Err)
}

// name returns the configured name of the organization in printable form, or "" if
// none is configured.
func (f *finding) name() string {
	if f.Name == f.ID {
		return ""
	}
	return text.Printable(f.Name)
}
