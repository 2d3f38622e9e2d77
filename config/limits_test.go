package config

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/wait"
)

const oneManager = "ops_managers:\n  - url: https://opsmanager.example.net\n    api_key: {public_key: a, private_key: b}\n    orgs:\n"

func TestManyProblems(t *testing.T) {
	for n, want := range map[int]struct {
		problems int
		last     string
	}{
		20:   {20, `opsmanager.yml:24: ops_managers[0].orgs[19].id: "x19" is not an organization ID: use its 24 hexadecimal digits (Ops Manager > Organization > Settings)`},
		21:   {21, "and 1 more: run check to list them"},
		1000: {1000, "and 980 more: run check to list them"},
		5000: {1000, "and 980 more: run check to list them"},
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var text strings.Builder
			text.WriteString(oneManager)
			for i := range n {
				fmt.Fprintf(&text, "      - id: x%d\n", i)
			}
			_, err := Load(writeConfig(t, text.String()))
			var problems Problems
			if !errors.As(err, &problems) || len(problems.Unwrap()) != want.problems || problems.Truncated() != (n >= 1000) {
				t.Fatalf("%d problems, truncated %v", len(problems), problems.Truncated())
			}
			lines := strings.Split(err.Error(), "\n")
			if last := lines[len(lines)-1]; !strings.HasSuffix(last, want.last) {
				t.Errorf("got  %s\nwant %s", last, want.last)
			}
			if shown := lines[:min(len(lines), n)]; len(shown) > 20 && n > 20 && len(lines) != 21 {
				t.Errorf("%d lines", len(lines))
			}
		})
	}
}

// No configuration file takes more memory than 20 times the maximum size, or takes long
// to load.
func TestLoadIsBounded(t *testing.T) {
	ci.Long(t)
	const size = maxFileSize
	fill := func(head, item string) string { return head + strings.Repeat(item, (size-len(head))/len(item)) }
	atMost := func(n int, head string, item func(int) string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := range n {
			b.WriteString(item(i))
		}
		return b.String()
	}
	same := func(item string) func(int) string { return func(int) string { return item } }
	const half = maxNodes/2 - 100
	for name, text := range map[string]string{
		"list":                    fill("", "- a\n"),
		"list in flow":            fill("ops_managers: [", "a,"),
		"aliases":                 fill("ops_managers: [&a x,", "*a,"),
		"lists in lists":          fill("", "- "),
		"lists in lists, in flow": fill("", "["),
		"mappings in mappings":    atMost(3900, "", func(i int) string { return strings.Repeat(" ", i) + "a:\n" }),
		"keys":                    fill("", "a:\n"),
		"comments":                fill("", "#\n"),
		"long text":               fill("ops_managers: ", "a "),
		"organizations":           fill(oneManager, "      - id: 5f1e9c2b8d3a4e0012ab34cd\n"),

		"just small enough, keys":          atMost(half, "", func(i int) string { return fmt.Sprintf("a%d:\n", i) }),
		"just small enough, anchors":       atMost(2*half, "ops_managers:\n", func(i int) string { return fmt.Sprintf("- &a%d x\n", i) }),
		"just small enough, comments":      atMost(half, "ops_managers:\n", same("- a # "+strings.Repeat("x", 40)+"\n")),
		"just small enough, organizations": atMost(maxNodes/3-100, oneManager, func(i int) string { return fmt.Sprintf("      - id: %024x\n", i) }),
	} {
		t.Run(name, func(t *testing.T) {
			if len(text) > size {
				t.Fatalf("%d bytes", len(text))
			}
			file := writeConfig(t, text)
			wait.Growing(t, 5*time.Second, func(limit time.Duration) error {
				begun := time.Now()
				peak := peakHeap(func() {
					if _, err := Load(file); (err == nil) != strings.HasPrefix(name, "just small enough, org") {
						t.Errorf("got %v", err)
					}
				})
				if peak > 25*size { // some 18, garbage included, of which the race detector and a busy machine leave more
					return fmt.Errorf("takes %d MiB", peak>>20)
				}
				if took := time.Since(begun); took > limit {
					return fmt.Errorf("took %s", took)
				}
				return nil
			})
		})
	}
}

// peakHeap returns by how much the heap grew while f ran.
func peakHeap(f func()) uint64 {
	heap := func() uint64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before, peak := heap(), uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			peak = max(peak, heap())
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-done
	return peak - min(before, peak)
}

// FuzzNodes checks that no YAML has more nodes than are counted before it is parsed.
func FuzzNodes(f *testing.F) {
	addFiles(f, "testdata/good/*.yml")
	addFiles(f, "testdata/bad/*.yml")
	for _, s := range []string{"", "a", "- - a", "-\n-\n- - -", "? a\n? b\n: - c", "{a,b}", "[a: b, c: d]", "{{a}}", "[[[]]]", `{"a":b}`, "a:\n- b:\n", "--- a\n--- b", "- &a [*a, *a]", "[?a,?b]", "- !!seq\n- !a\n", "-\u2028-\u0085- a"} {
		f.Add(s)
	}
	var count func(n *yaml.Node) int
	count = func(n *yaml.Node) int {
		all := 1
		for _, c := range n.Content {
			all += count(c)
		}
		return all
	}
	f.Fuzz(func(t *testing.T, text string) {
		loader, err := yaml.NewLoader(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var document yaml.Node
		if loader.Load(&document) != nil {
			return
		}
		if got, bound := count(&document)-1, nodes([]byte(text)); got > bound {
			t.Fatalf("%d nodes, counted %d", got, bound)
		}
	})
}
