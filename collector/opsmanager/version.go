package opsmanager

import (
	"regexp"
	"strings"
	"sync/atomic"
)

// versionHeader is X-MongoDB-Service-Version as net/http spells it.
const versionHeader = "X-Mongodb-Service-Version"

// versionPattern matches the versions of Ops Manager (8.0.14.500.20250917T0000Z),
// Cloud Manager (v20200901) and development builds (current). Nothing else is accepted
// because the version becomes a metric label.
var versionPattern = regexp.MustCompile(`^(current|v[0-9]{8}|[0-9]{1,4}(\.[0-9]{1,6}){1,4}(-rc[0-9]{1,3})?(\.[0-9]{8}T[0-9]{4}Z)?)$`)

// parseVersion returns the versionString of an X-MongoDB-Service-Version header such
// as "gitHash=f7bdac40; versionString=4.2.4.56729.20191105T2247Z", or "".
func parseVersion(header string) string {
	for field := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if name == "versionString" && versionPattern.MatchString(value) {
			return value
		}
	}
	return ""
}

// versions caches the last parsed header, since matching takes 3 % of a poll and the
// header rarely changes.
type versions struct {
	last atomic.Pointer[[2]string] // a header and its version
}

func (v *versions) of(header string) string {
	if last := v.last.Load(); last != nil && last[0] == header {
		return last[1]
	}
	version := parseVersion(header)
	if version != "" {
		v.last.Store(&[2]string{strings.Clone(header), strings.Clone(version)})
	}
	return version
}
