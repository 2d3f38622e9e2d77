package webconfig

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/time/rate"
)

// settings are the settings in a web configuration file.
type settings struct {
	text    []byte // of the file; nil if it could not be read
	web     *web.Config
	limiter *rate.Limiter // nil without a limit
	err     error         // why the file cannot be used
}

func newSettings(path string, text []byte) *settings {
	s := &settings{text: text}
	s.web, s.err = parse(text)
	if s.err != nil {
		return s
	}
	s.web.TLSConfig.SetDirectory(filepath.Dir(path))
	if limit := s.web.RateLimiterConfig; limit.Interval != 0 {
		s.limiter = rate.NewLimiter(rate.Every(limit.Interval), limit.Burst)
	}
	return s
}

// parse parses a web configuration file with the parser and defaults of
// exporter-toolkit. Its error has one line for each problem and quotes no values that
// may be secret.
func parse(text []byte) (*web.Config, error) {
	c := &web.Config{
		TLSConfig:  web.TLSConfig{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13},
		HTTPConfig: web.HTTPConfig{HTTP2: true},
	}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		return nil, explainYAML(err)
	}
	var problems []error
	for _, user := range slices.Sorted(maps.Keys(c.Users)) {
		if _, err := bcrypt.Cost([]byte(c.Users[user])); err != nil {
			problems = append(problems, fmt.Errorf("basic_auth_users: the password of %q is not a bcrypt hash: use what htpasswd -nB %[1]q prints after the colon", user))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.HTTPConfig.Header)) {
		problems = append(problems, checkHeader(name, c.HTTPConfig.Header[name]))
	}
	return c, errors.Join(problems...)
}

// checkHeader accepts the headers that exporter-toolkit allows.
func checkHeader(name, value string) error {
	var values []string
	switch name {
	case "Strict-Transport-Security", "X-XSS-Protection", "Content-Security-Policy":
		return nil
	case "X-Content-Type-Options":
		values = []string{"nosniff"}
	case "X-Frame-Options":
		values = []string{"deny", "sameorigin"}
	default:
		return fmt.Errorf("http_server_config.headers: %q cannot be set: remove it", name)
	}
	if !slices.Contains(values, value) {
		return fmt.Errorf("http_server_config.headers: %s=%q: must be %s", name, value, strings.Join(values, " or "))
	}
	return nil
}

var (
	unknownKey = regexp.MustCompile(`^(line \d+): field (\S+) not found in type .*`)
	keyTwice   = regexp.MustCompile(`^(line \d+): (?:field (\S+)|key "(.+)") already set in .*`)
	wrongKind  = regexp.MustCompile(`^(line \d+): cannot unmarshal .*`)
)

// explainYAML rewrites the errors of the YAML parser, which quote values.
func explainYAML(err error) error {
	typeErrors, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	problems := make([]error, len(typeErrors.Errors))
	for i, text := range typeErrors.Errors {
		text = unknownKey.ReplaceAllString(text, `$1: unknown key "$2"`)
		text = keyTwice.ReplaceAllString(text, `$1: key "$2$3" appears twice`)
		text = wrongKind.ReplaceAllString(text, "$1: the value has the wrong type for this key")
		problems[i] = errors.New(text)
	}
	return errors.Join(problems...)
}
