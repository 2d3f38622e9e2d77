package simulator

import (
	"fmt"
	"net/http"
)

// WithHeader adds a header line to the answer, such as one added by a cache.
func WithHeader(name, value string, a Answer) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add(name, value)
		a(w, r)
	}
}

// WithAuthenticationInfo adds Authentication-Info (RFC 7616, section 3.5), which proves
// that the server knows the key too. wrong names the directive that is wrong, as in the
// response to another request: rspauth, cnonce or nc, or "" for none.
func WithAuthenticationInfo(wrong string, a Answer) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		if e := exchangeOf(r); e != nil {
			w.Header().Set("Authentication-Info", e.info(wrong))
		}
		a(w, r)
	}
}

func (e *exchange) info(wrong string) string {
	c, hash := e.credentials, e.server.hash
	rspauth := hash.response(e.ha1, "", c) // A2 as in the request, but without the method
	switch wrong {
	case "rspauth":
		rspauth = hash(rspauth)
	case "cnonce":
		c.cnonce = hash(c.cnonce)
	case "nc":
		c.nc = "7fffffff"
	}
	return fmt.Sprintf(`rspauth=%q, cnonce=%q, nc=%s, qop=auth`, rspauth, c.cnonce, c.nc)
}
