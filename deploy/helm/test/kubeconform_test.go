package chart_test

import (
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	// The module contains the API that the schemas are made from.
	_ "k8s.io/kubectl/pkg/util/slice"
)

const kubeconform = root + "/.bin/kubeconform"

// schemas splits the API of Kubernetes into a strict schema for each kind, and returns
// their directory.
func schemas(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubectl").Output()
	if err != nil {
		t.Fatal(err)
	}
	var swagger struct{ Definitions map[string]map[string]any }
	if err := json.Unmarshal([]byte(read(t, filepath.Join(strings.TrimSpace(string(out)), "testdata/openapi/swagger.json"))), &swagger); err != nil {
		t.Fatal(err)
	}
	all := swagger.Definitions
	for name, definition := range all {
		restrict(definition)
		if name == "io.k8s.apimachinery.pkg.api.resource.Quantity" {
			definition["type"] = []string{"string", "number"}
		}
	}
	dir := t.TempDir()
	for _, name := range []string{
		"apps.v1.Deployment", "core.v1.ConfigMap", "core.v1.Service", "core.v1.ServiceAccount", "networking.v1.NetworkPolicy",
		"networking.v1.Ingress", "core.v1.Pod", "core.v1.Secret",
	} {
		top := "io.k8s.api." + name
		if all[top] == nil {
			t.Fatalf("there is no %s", top)
		}
		needed := make(map[string]any)
		collect(all, top, needed)
		schema, err := json.Marshal(map[string]any{"$ref": "#/definitions/" + top, "definitions": needed})
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(strings.TrimPrefix(name, "core."), ".") // like KindSuffix of kubeconform
		kind, version := parts[len(parts)-1], strings.Join(parts[:len(parts)-1], "-")
		write(t, filepath.Join(dir, strings.ToLower(kind)+"-"+version+".json"), string(schema))
	}
	return dir
}

// restrict makes a schema, and those in it, reject unknown fields, and accept a number
// where Kubernetes accepts a number or text.
func restrict(schema map[string]any) {
	if schema["format"] == "int-or-string" {
		schema["type"] = []string{"string", "integer"}
		delete(schema, "format")
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		schema["additionalProperties"] = false
		for property := range maps.Values(properties) {
			restrict(property.(map[string]any))
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[key].(map[string]any); ok {
			restrict(inner)
		}
	}
}

// collect adds a definition and everything that it refers to.
func collect(all map[string]map[string]any, name string, needed map[string]any) {
	if needed[name] != nil {
		return
	}
	needed[name] = all[name]
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			if ref, ok := value["$ref"].(string); ok {
				collect(all, strings.TrimPrefix(ref, "#/definitions/"), needed)
			}
			for inner := range maps.Values(value) {
				walk(inner)
			}
		case []any:
			for _, inner := range value {
				walk(inner)
			}
		}
	}
	walk(all[name])
}

func TestKubeconform(t *testing.T) {
	need(t, kubeconform)
	need(t, helm)
	dir := schemas(t)
	validate := func(t *testing.T, text string) (string, error) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "manifests.yaml")
		write(t, file, text)
		// This API is older than policy/v1.
		out, problem, err := run(t, kubeconform, "-strict", "-summary", "-skip=PodDisruptionBudget,ServiceMonitor,PodMonitor,PrometheusRule,ScrapeConfig",
			"-schema-location="+dir+"/{{.ResourceKind}}{{.KindSuffix}}.json", file)
		return out + problem, err
	}
	sets := make(map[string]string)
	forEachSet(t, func(t *testing.T, name string) {
		text, problem, err := template(t, "--values="+values(name))
		if err != nil {
			t.Fatalf("%v\n%s", err, problem)
		}
		sets[name] = text
		if out, err := validate(t, text); err != nil || strings.Contains(out, "Valid: 0") || !strings.Contains(out, "Invalid: 0, Errors: 0") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	for _, test := range []struct{ old, broken, want string }{
		{"containerPort: 20301", "contanerPort: 20301", "additional properties 'contanerPort' not allowed"},
		{"containerPort: 20301", "containerPort: http", "got string, want integer"},
		{"pathType: ", "pathTyp: ", "additional properties 'pathTyp' not allowed"},
		{"cidr: ", "cdr: ", "additional properties 'cdr' not allowed"},
	} {
		out, err := validate(t, replace(t, sets["full"], test.old, test.broken))
		if err == nil || !strings.Contains(out, test.want) {
			t.Errorf("%s: %v\n%s", test.broken, err, out)
		}
	}
}
