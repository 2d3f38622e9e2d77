package web

import (
	"strconv"
	"strings"
)

// acceptsGzip reports whether a client prefers gzip, given its Accept-Encoding header
// lines (RFC 9110, section 12.5.3). Without the header, the response is not
// compressed.
func acceptsGzip(lines []string) bool {
	gzip, identity, other := -1.0, 0.0, 0.0
	for element := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		coding, parameters, _ := strings.Cut(element, ";")
		weight := weightOf(parameters)
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			gzip = weight
		case "identity":
			identity = weight
		case "*":
			other = weight
		}
	}
	if gzip < 0 { // not named
		gzip = other
	}
	return gzip > 0 && gzip >= identity
}

// weightOf returns the weight among the parameters of a list element: 1 if there is
// none, 0 if it is malformed.
func weightOf(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(weight >= 0 && weight <= 1) {
			return 0
		}
		return weight
	}
	return 1
}
