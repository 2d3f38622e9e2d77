package orgs

import (
	"fmt"
	"strconv"
	"strings"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

const heading = `# The organizations that the API keys in the configuration can see. The API key of an
# organization sees only that organization, a global API key of Ops Manager sees all.
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
		fmt.Fprintf(&b, "    # %s, %d not configured\n", text.Count(len(v.Orgs), "organization"), v.Unconfigured())
		if n := len(v.Failures); n > 0 {
			fmt.Fprintf(&b, "    # incomplete: %d of %s could not list all of its organizations\n", n, text.Count(v.Keys, "API key"))
		}
		var comments, items strings.Builder
		for i := range v.Orgs {
			o := &v.Orgs[i]
			switch {
			case o.Configured:
				fmt.Fprintf(&comments, "      # configured: %s\n", strings.TrimSpace(o.ID+" "+quoteName(o.Name)))
			case o.Owner != nil && !inFiles(o.Owner.APIKey):
				fmt.Fprintf(&comments, "      # needs the api_key of organization %s: %s\n", o.Owner.ID, strings.TrimSpace(o.ID+" "+quoteName(o.Name)))
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

// item returns an organization to be pasted. The quotes keep IDs of digits and one e from
// being numbers to other readers of YAML.
func item(o *collector.VisibleOrg) string {
	s := fmt.Sprintf("      - id: %q\n", o.ID)
	if o.Name != "" {
		s += "        name: " + strconv.Quote(o.Name) + "\n"
	}
	if o.Owner != nil {
		key := o.Owner.APIKey
		s += fmt.Sprintf("        api_key: # that of organization %s\n          public_key_file: %s\n          private_key_file: %s\n",
			o.Owner.ID, strconv.Quote(key.PublicKeyFile), strconv.Quote(key.PrivateKeyFile))
	}
	return s
}

// inFiles reports whether an API key can be configured again without showing it.
func inFiles(k *config.APIKey) bool { return k.PublicKeyFile != "" && k.PrivateKeyFile != "" }

// quoteName returns a name in quotes, or "" for none.
func quoteName(name string) string {
	if name == "" {
		return ""
	}
	return strconv.Quote(name)
}
