package orgs

import (
	"fmt"
	"strconv"
	"strings"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

const heading = `# The organizations that the configured credentials can see. The credentials of an
# organization see only that organization, a global API key of Ops Manager sees all.
# Paste those that should be polled under orgs of the same Ops Manager.
`

// yamlText returns YAML in the form of a configuration, with the organizations that are
// configured already in comments.
func yamlText(all []collector.Visible) string {
	var b strings.Builder
	b.WriteString(heading + "ops_managers:\n")
	for i := range all {
		v := &all[i]
		fmt.Fprintf(&b, "  - name: %s\n    url: %s\n", strconv.Quote(v.OpsManager), strconv.Quote(v.URL))
		b.WriteString("    # " + summary(v) + "\n")
		var comments, items strings.Builder
		for i := range v.Orgs {
			o := &v.Orgs[i]
			switch {
			case o.Configured:
				fmt.Fprintf(&comments, "      # configured: %s\n", strings.TrimSpace(o.ID+" "+quoteName(o.Name)))
			case o.Owner != nil && !inFiles(o.Owner.Credentials):
				fmt.Fprintf(&comments, "      # needs the %s of organization %s: %s\n", o.Owner.Credentials.Kind.Setting(), o.Owner.ID, strings.TrimSpace(o.ID+" "+quoteName(o.Name)))
			default:
				items.WriteString(item(o))
			}
		}
		if items.Len() == 0 {
			b.WriteString("    orgs: []\n" + comments.String())
		} else {
			b.WriteString("    orgs:\n" + comments.String() + items.String())
		}
	}
	return b.String()
}

// summary says how many organizations there are, as far as that is known.
func summary(v *collector.Visible) string {
	counts := fmt.Sprintf("%s, %d not configured", text.Count(len(v.Orgs), "organization"), v.Unconfigured())
	switch n := len(v.Failures); {
	case n == 0:
		return counts
	case len(v.Orgs) == 0:
		return fmt.Sprintf("unknown: %d of %s could not list any organizations", n, text.Count(v.Credentials, "credential"))
	default:
		return fmt.Sprintf("at least %s: %d of %s could not list all organizations", counts, n, text.Count(v.Credentials, "credential"))
	}
}

// item returns an organization to be pasted. The quotes keep IDs of digits and one e from
// being numbers to other readers of YAML.
func item(o *collector.VisibleOrg) string {
	s := fmt.Sprintf("      - id: %q\n", o.ID)
	if o.Name != "" {
		s += "        name: " + strconv.Quote(o.Name) + "\n"
	}
	if o.Owner != nil {
		c := o.Owner.Credentials
		public, private := "public_key_file", "private_key_file"
		if c.Kind == config.ServiceAccount {
			public, private = "client_id_file", "client_secret_file"
		}
		s += fmt.Sprintf("        %s: # that of organization %s\n          %s: %s\n          %s: %s\n",
			c.Kind.Setting(), o.Owner.ID, public, strconv.Quote(c.Public.File), private, strconv.Quote(c.Private.File))
	}
	return s
}

// inFiles reports whether credentials can be configured again without showing them.
func inFiles(c *config.Credentials) bool { return c.Public.File != "" && c.Private.File != "" }

// quoteName returns a name in quotes, or "" for none.
func quoteName(name string) string {
	if name == "" {
		return ""
	}
	return strconv.Quote(name)
}
