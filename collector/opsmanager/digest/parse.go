package digest

import "strings"

// challenge is one challenge of a WWW-Authenticate line (RFC 9110, section 11.6.1).
// Parameter names are in lower case.
type challenge struct {
	scheme    string
	params    map[string]string
	malformed bool // a parameter is duplicate or invalid
}

// splitChallenges splits one header line, which may contain several challenges with
// commas between and inside them. It never fails: a syntax error only marks its
// challenge as malformed.
func splitChallenges(line string) []*challenge {
	var all []*challenge
	var current *challenge
	for rest := line; ; {
		rest = strings.TrimLeft(rest, ", \t")
		if rest == "" {
			return all
		}
		word := token(rest)
		rest = rest[len(word):]
		after := strings.TrimLeft(rest, " \t")
		switch {
		case word == "":
			// Skip to the next comma, at least one byte so that the loop terminates.
			if current != nil {
				current.malformed = true
			}
			if i := strings.IndexByte(rest[1:], ','); i >= 0 {
				rest = rest[1+i:]
			} else {
				rest = ""
			}
		case strings.HasPrefix(after, "=") && current != nil:
			var value string
			var ok bool
			value, rest, ok = parameterValue(strings.TrimLeft(after[1:], " \t"))
			name := strings.ToLower(word)
			if _, twice := current.params[name]; twice || !ok {
				current.malformed = true
			}
			current.params[name] = value
		default:
			current = &challenge{scheme: word, params: map[string]string{}}
			all = append(all, current)
		}
	}
}

// parameterValue reads a quoted string, or everything up to the next comma or white
// space because real servers send unquoted values that are not tokens.
func parameterValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return b.String(), "", false
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), "", false
}

// token returns the token (RFC 9110, section 5.6.2) at the start of s.
func token(s string) string {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return s[:i]
		}
	}
	return s
}
