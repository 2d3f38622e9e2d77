package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestSecret(t *testing.T) {
	s := NewSecret("s3cr3t")
	if s.Reveal() != "s3cr3t" || s.IsZero() || !NewSecret("").IsZero() || (Secret{}).Reveal() != "" {
		t.Error("Reveal or IsZero")
	}
	if !s.Equal(NewSecret("s3cr3t")) || s.Equal(Secret{}) || !NewSecret("").Equal(Secret{}) {
		t.Error("Equal")
	}
	pair := KeyPair{Public: NewSecret("a"), Private: s}
	if !pair.Equal(KeyPair{Public: NewSecret("a"), Private: NewSecret("s3cr3t")}) || pair.Equal(KeyPair{Private: s}) {
		t.Error("KeyPair.Equal")
	}
	if got := fmt.Sprintf("%v|%s|%v", s, s, Secret{}); got != "<secret>|<secret>|" {
		t.Errorf("got %q", got)
	}
}

type holdsSecret struct {
	hidden Secret
	pair   *KeyPair
	Shown  Secret
}

// printed returns v printed or encoded in every possible way.
func printed(t *testing.T, v any) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
		for _, flags := range []string{"", "+", "#", "-20", " ", "0"} {
			format := "%" + flags + string(verb)
			all[format] = fmt.Sprintf(format, v)
		}
	}
	all["print"] = fmt.Sprint(v) + fmt.Sprintln(v)
	all["error"] = fmt.Errorf("refused: %v", v).Error()
	all["joined error"] = errors.Join(fmt.Errorf("%+v", v)).Error()
	var text, jsonText bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("message", "v", v, slog.Group("g", "v", []any{v}))
	slog.New(slog.NewJSONHandler(&jsonText, nil)).Info("message", "v", v, slog.Group("g", "v", []any{v}))
	all["slog text"], all["slog json"] = text.String(), jsonText.String()
	for name, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "yaml": yaml.Marshal} {
		b, err := marshal(v)
		all[name] = fmt.Sprint(string(b), err)
	}
	return all
}

func TestSecretsAreHidden(t *testing.T) {
	s := NewSecret("s3cr3t")
	full := mustLoad(t, "testdata/good/full.yml")
	anchors := mustLoad(t, "testdata/good/anchors.yml")
	m := &full.OpsManagers[0]
	for name, v := range map[string]any{
		"secret":        s,
		"pointer":       &s,
		"list":          []Secret{s},
		"map":           map[string]Secret{"a": s},
		"pair":          KeyPair{Public: s, Private: s},
		"field":         holdsSecret{hidden: s, pair: &KeyPair{Public: s, Private: s}, Shown: s},
		"field pointer": &holdsSecret{hidden: s, pair: &KeyPair{Public: s, Private: s}, Shown: s},
		"key":           *anchors.OpsManagers[0].Credentials,
		"key pointer":   anchors.OpsManagers[0].Credentials,
		"config":        full, "config value": *full, "anchors": *anchors,
		"manager": m, "manager value": *m,
		"tls": m.TLS, "tls pointer": &m.TLS,
		"proxy": m.Proxy, "proxy pointer": &m.Proxy,
		"unexported config": struct{ c *Config }{full},
		"unexported value":  struct{ m OpsManager }{*m},
		"unexported both": struct {
			t TLS
			p Proxy
		}{m.TLS, m.Proxy},
	} {
		t.Run(name, func(t *testing.T) {
			for way, got := range printed(t, v) {
				got = strings.ToLower(got)
				if strings.Contains(got, "s3cr3t") || strings.Contains(got, fmt.Sprintf("%x", "s3cr3t")) {
					t.Errorf("%s shows it: %s", way, got)
				}
			}
		})
	}
	for _, way := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "slog text", "slog json", "json", "yaml"} {
		if got := printed(t, s)[way]; !strings.Contains(got, "secret>") && !strings.Contains(got, `secret\u003e`) {
			t.Errorf("%s does not show that something is hidden: %s", way, got)
		}
	}
}

// The runtime prints panic values by its own rules.
func TestSecretsAreHiddenInPanics(t *testing.T) {
	const variable = "CONFIG_TEST_PANIC"
	s := NewSecret("s3cr3t")
	values := map[string]any{"secret": s, "pair": KeyPair{Public: s, Private: s}, "field": holdsSecret{hidden: s}, "error": fmt.Errorf("%v", s)}
	if v, ok := values[os.Getenv(variable)]; ok {
		panic(v)
	}
	for name := range values {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecretsAreHiddenInPanics$")
			cmd.Env = append(os.Environ(), variable+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "panic") {
				t.Fatalf("no panic: %v: %s", err, out)
			}
			if strings.Contains(string(out), "s3cr3t") {
				t.Errorf("shows it: %s", out)
			}
		})
	}
}
