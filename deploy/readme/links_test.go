package readme_test

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/testfile"
)

var tree = flag.String("tree", root, "the folder whose links TestLinks follows: an unpacked archive, say")

// Every relative link in a page leads to an existing file or directory, and to an
// existing heading if it has a fragment.
func TestLinks(t *testing.T) {
	all := pages(t, *tree)
	anchors := make(map[string][]string)
	for _, p := range all {
		anchors[p.path] = p.anchors()
	}
	links := 0
	for _, p := range all {
		if *tree != root && (p.path == "CONTRIBUTING.md" || strings.HasPrefix(p.path, "collector/")) {
			continue // about the source, which an archive does not contain
		}
		for _, link := range p.links() {
			links++
			if err := follow(p.path, link, anchors); err != nil {
				t.Errorf("%s: the link %s: %v", p.path, link, err)
			}
		}
	}
	if links < 5 {
		t.Errorf("%d links alone were found", links)
	}
}

// The runbooks of the alerts are headings of the README.
func TestRunbooks(t *testing.T) {
	rules := testfile.Read(t, filepath.Join(root, "deploy/prometheus/alerts.yml"))
	readme := parse("README.md", testfile.Read(t, filepath.Join(root, "README.md")))
	for _, runbook := range regexp.MustCompile(`(?m)^ *runbook_url: *\S*/README\.md#(\S+)`).FindAllStringSubmatch(rules, -1) {
		if !slices.Contains(readme.anchors(), runbook[1]) {
			t.Errorf("a runbook of alerts.yml is README.md#%s, which is not there", runbook[1])
		}
	}
}

// Everything that is published states the license.
func TestLicense(t *testing.T) {
	for file, want := range map[string]string{
		"README.md":                                  `\bApache-2\.0\b`,
		"deploy/container/Dockerfile":                `org\.opencontainers\.image\.licenses="Apache-2\.0"`,
		"deploy/packages/copyright":                  `(?m)^License: Apache-2\.0$`,
		"deploy/packages/nfpm.yaml":                  `(?m)^license: Apache-2\.0 AND `,
		"deploy/helm/opsmanager-exporter/Chart.yaml": `(?m)^  artifacthub\.io/license: Apache-2\.0$`,
	} {
		if !regexp.MustCompile(want).MatchString(testfile.Read(t, filepath.Join(root, file))) {
			t.Errorf("%s has no %s", file, want)
		}
	}
}

// follow returns what is wrong with a link of a page.
func follow(from, link string, anchors map[string][]string) error {
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	if u.Scheme != "" || u.Host != "" {
		return nil // an absolute URL
	}
	to := from
	if u.Path != "" {
		to = path.Join(path.Dir(from), u.Path)
	}
	if to == ".." || strings.HasPrefix(to, "../") || strings.HasPrefix(u.Path, "/") {
		return errors.New("it leads out of the project")
	}
	if _, err := os.Stat(filepath.Join(*tree, to)); err != nil {
		return fmt.Errorf("there is no %s", to)
	}
	if u.Fragment == "" {
		return nil
	}
	known, page := anchors[to]
	if !page {
		return fmt.Errorf("%s has no headings", to)
	}
	if !slices.Contains(known, u.Fragment) {
		return fmt.Errorf("%s has no heading #%s", to, u.Fragment)
	}
	return nil
}

// links returns the targets of the links and pictures in a page.
func (p page) links() []string {
	text := regexp.MustCompile("`[^`\n]*`").ReplaceAllString(strings.Join(p.prose, "\n"), "")
	var links []string
	for _, pattern := range []string{`\]\(<?([^()\s<>]+)>?(?:\s+"[^"]*")?\)`, `(?m)^ {0,3}\[[^\]]+\]:\s*<?([^\s<>]+)`, `(?:href|src|srcset)="([^"]+)"`} {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			links = append(links, m[1])
		}
	}
	return links
}

// anchors returns the names by which GitHub links to headings and anchors of a
// page.
func (p page) anchors() []string {
	heading := regexp.MustCompile(`^ {0,3}#{1,6} +(.*?)(?: +#+)? *$`)
	link := regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	tag := regexp.MustCompile(`<[^>]*>`)
	dropped := regexp.MustCompile(`[^\p{L}\p{M}\p{N}\p{Pc} -]`)
	named := regexp.MustCompile(`<a (?:id|name)="([^"]+)">`)
	var anchors []string
	for _, line := range p.prose {
		for _, m := range named.FindAllStringSubmatch(line, -1) {
			anchors = append(anchors, m[1])
		}
		m := heading.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		words := tag.ReplaceAllString(link.ReplaceAllString(m[1], "$1"), "")
		anchor := strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(words), ""), " ", "-")
		unique := anchor
		for i := 1; slices.Contains(anchors, unique); i++ {
			unique = fmt.Sprintf("%s-%d", anchor, i)
		}
		anchors = append(anchors, unique)
	}
	return anchors
}

func TestAnchors(t *testing.T) {
	p := parse("x.md", "# A `b_c` & [D-e](f.md): 50 %?\n## x\n### x ###\n| <a id=\"reason-tls\"></a>`tls` |\n```sh\n# no heading\n```\n## NOT_SYNCED\n")
	want := []string{"a-b_c--d-e-50-", "x", "x-1", "reason-tls", "not_synced"}
	if got := p.anchors(); !slices.Equal(got, want) {
		t.Errorf("anchors %q, want %q", got, want)
	}
	p = parse("x.md", "[![a](b.png)](c.md#d) [e][f] `[g](h)` <img src=\"i.svg\" width=\"3\"> <https://example.net>\n\n[f]: j/ \"k\"\n```text\n[l](m)\n```\n")
	if got, want := p.links(), []string{"b.png", "c.md#d", "j/", "i.svg"}; !slices.Equal(got, want) {
		t.Errorf("links %q, want %q", got, want)
	}
	anchors := map[string][]string{"README.md": {"usage"}, "CHANGELOG.md": nil}
	for link, want := range map[string]string{
		"https://example.net/x#y":     "",
		"../README.md#usage":          "",
		"../README.md#us%61ge":        "",
		"../deploy":                   "",
		"../README.md#uses":           "README.md has no heading #uses",
		"../main.go#uses":             "main.go has no headings",
		"absent.md":                   "there is no deploy/absent.md",
		"../../opsmanager_exporter/x": "it leads out of the project",
		"/README.md":                  "it leads out of the project",
	} {
		got := ""
		if err := follow("deploy/x.md", link, anchors); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}
