// Package flags makes command line errors name the flag, the value and the fix.
package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// Check returns nil if a flag accepts the value, or an error that says what it accepts.
type Check func(value string) error

// Explain runs check on each value of flag before kingpin's own parser, whose errors
// name neither flag nor value.
func Explain(flag *kingpin.FlagClause, check Check) {
	model := flag.Model()
	flag.SetValue(checked{model.Value, model.Name, check})
}

// checked is a value that is checked before it is set.
type checked struct {
	kingpin.Value
	name  string
	check Check
}

// Set implements kingpin.Value.
func (c checked) Set(value string) error {
	err := c.check(value)
	if err == nil {
		err = c.Value.Set(value)
	}
	switch {
	case err == nil:
		return nil
	case strings.Contains(value, "@"): // it may contain a password
		return fmt.Errorf("--%s: %w", c.name, err)
	case value != "" && strings.Trim(value, "0123456789.-nuµmsh") == "": // a number or a duration
		return fmt.Errorf("--%s=%s: %w", c.name, value, err)
	}
	return fmt.Errorf("--%s=%q: %w", c.name, value, err)
}

// IsCumulative reports to kingpin whether the flag may be repeated.
func (c checked) IsCumulative() bool {
	v, ok := c.Value.(interface{ IsCumulative() bool })
	return ok && v.IsCumulative()
}

// OneOf accepts only the given words.
func OneOf(words ...string) Check {
	last := len(words) - 1
	advice := errors.New("must be " + strings.Join(words[:last], ", ") + " or " + words[last])
	return func(value string) error {
		if !slices.Contains(words, value) {
			return advice
		}
		return nil
	}
}

// AnyCase runs check on the value in lower case.
func AnyCase(check Check) Check {
	return func(value string) error { return check(strings.ToLower(value)) }
}
