package simulator

import (
	"fmt"
	"net/http"
)

// WithHeader gives the answer with one more header line, such as those that a
// cache adds.
func WithHeader(name, value string, a Answer) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add(name, value)
		a(w, r)
	}
}

// WithAuthenticationInfo gives the answer with an Authentication-Info (RFC 7616,
// section 3.5), by which the server shows that it knows the key too. One of its
// directives is wrong, as in the answer to another request: rspauth, cnonce or
// nc, or none if wrong is empty.
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
	rspauth := hash.response(e.ha1, "", c) // A2 is the request's without its method
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
