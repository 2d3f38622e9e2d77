package opsmanager_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

func TestReasonsOfOpsManager(t *testing.T) {
	const role, list = opsmanager.ReasonRole, opsmanager.ReasonAccessList
	const inAtlas = "IP_ADDRESS_NOT_ON_ACCESS_LIST"
	listed := func(parameters string) simulator.Answer {
		return simulator.Body(403, "application/json", `{"errorCode":"`+inAtlas+`","parameters":`+parameters+`}`)
	}
	for name, tt := range map[string]struct {
		answer simulator.Answer
		want   failure
	}{
		"role":                    {simulator.MissingRole(false), failure{role, 401, "USER_UNAUTHORIZED", "HTTP 401 USER_UNAUTHORIZED"}},
		"role with challenge":     {simulator.MissingRole(true), failure{role, 401, "USER_UNAUTHORIZED", "HTTP 401 USER_UNAUTHORIZED"}},
		"role as 403":             {simulator.Code(403, "USER_UNAUTHORIZED"), failure{role, 403, "USER_UNAUTHORIZED", "HTTP 403 USER_UNAUTHORIZED"}},
		"role gzipped":            {simulator.Gzip(simulator.MissingRole(false)), failure{role, 401, "USER_UNAUTHORIZED", "HTTP 401 USER_UNAUTHORIZED"}},
		"not an owner":            {simulator.Code(401, "NOT_ORG_ADMIN"), failure{role, 401, "NOT_ORG_ADMIN", "HTTP 401 NOT_ORG_ADMIN"}},
		"not in group":            {simulator.Code(401, "NOT_IN_GROUP"), failure{role, 401, "NOT_IN_GROUP", "HTTP 401 NOT_IN_GROUP"}},
		"no user":                 {simulator.Code(401, "NO_CURRENT_USER"), failure{role, 401, "NO_CURRENT_USER", "HTTP 401 NO_CURRENT_USER"}},
		"other 401":               {simulator.Code(401, "SOMETHING_ELSE"), failure{opsmanager.ReasonUnauthorized, 401, "SOMETHING_ELSE", "HTTP 401 SOMETHING_ELSE: the response has no digest challenge"}},
		"access list":             {simulator.NotOnAccessList("192.0.2.7"), failure{list, 403, inAtlas, "HTTP 403 " + inAtlas + ": from address 192.0.2.7"}},
		"access list, IPv6":       {simulator.NotOnAccessList("2001:db8::7"), failure{list, 403, inAtlas, "HTTP 403 " + inAtlas + ": from address 2001:db8::7"}},
		"access list, zone":       {simulator.NotOnAccessList("fe80::7%" + testPublic), failure{list, 403, inAtlas, "HTTP 403 " + inAtlas + ": from address fe80::7"}},
		"access list, no address": {simulator.NotOnAccessList("here"), failure{list, 403, inAtlas, "HTTP 403 " + inAtlas}},
		"access list, no list":    {listed(`null`), failure{list, 403, inAtlas, "HTTP 403 " + inAtlas}},
		"access list, empty list": {listed(`[]`), failure{list, 403, inAtlas, "HTTP 403 " + inAtlas}},
		"access list, number":     {listed(`[7]`), failure{list, 403, inAtlas, "HTTP 403 " + inAtlas}},
		"no access list":          {simulator.OrgRequiresAccessList("192.0.2.7"), failure{list, 403, "ORG_REQUIRES_ACCESS_LIST", "HTTP 403 ORG_REQUIRES_ACCESS_LIST: from address 192.0.2.7"}},
		"resource":                {simulator.Body(403, "application/json", `{"detail":"This resource requires access through an access list of ip ranges.","error":403,"errorCode":"RESOURCE_REQUIRES_ACCESS_LIST","parameters":["192.0.2.7"],"reason":"Forbidden"}`), failure{list, 403, "RESOURCE_REQUIRES_ACCESS_LIST", "HTTP 403 RESOURCE_REQUIRES_ACCESS_LIST: from address 192.0.2.7"}},
		"older servers":           {simulator.Body(403, "", `{"errorCode":"RESOURCE_REQUIRES_WHITELIST","parameters":["192.0.2.7"]}`), failure{list, 403, "RESOURCE_REQUIRES_WHITELIST", "HTTP 403 RESOURCE_REQUIRES_WHITELIST: from address 192.0.2.7"}},
		"list in other case":      {simulator.Code(403, "resource_requires_access_list"), failure{opsmanager.ReasonForbidden, 403, "", "HTTP 403"}},
		"list that repeats a key": {simulator.Code(403, strings.ToUpper(testPublic)+"_ACCESS_LIST"), failure{list, 403, "", "HTTP 403"}},
		"list of another code":    {simulator.Code(404, "NOT_ON_ACCESS_LIST"), failure{opsmanager.ReasonNotFound, 404, "NOT_ON_ACCESS_LIST", "HTTP 404 NOT_ON_ACCESS_LIST"}},
		"not offered":             {simulator.Code(403, "FEATURE_UNSUPPORTED"), failure{opsmanager.ReasonForbidden, 403, "FEATURE_UNSUPPORTED", "HTTP 403 FEATURE_UNSUPPORTED"}},
		"firewall":                {simulator.HTML(403), failure{opsmanager.ReasonForbidden, 403, "", "HTTP 403"}},
		"no organization":         {simulator.OrgNotFound(), failure{opsmanager.ReasonNotFound, 404, "ORG_NOT_FOUND", "HTTP 404 ORG_NOT_FOUND"}},
		"no endpoint":             {simulator.ResourceNotFound(), failure{opsmanager.ReasonNotFound, 404, "RESOURCE_NOT_FOUND", "HTTP 404 RESOURCE_NOT_FOUND"}},
		"method":                  {simulator.MethodNotAllowed(), failure{opsmanager.ReasonBadResponse, 405, "", "HTTP 405"}},
		"rate":                    {simulator.RateLimited(""), failure{opsmanager.ReasonRateLimited, 429, "RATE_LIMITED", "HTTP 429 RATE_LIMITED"}},
		"rate with Retry-After":   {simulator.RateLimited("3600"), failure{opsmanager.ReasonRateLimited, 429, "RATE_LIMITED", "HTTP 429 RATE_LIMITED: retry after 1h0m0s"}},
		"unexpected":              {simulator.UnexpectedError(), failure{opsmanager.ReasonServerError, 500, "UNEXPECTED_ERROR", "HTTP 500 UNEXPECTED_ERROR"}},
		"balancer":                {simulator.HTML(502), failure{opsmanager.ReasonServerError, 502, "", "HTTP 502"}},
		"maintenance":             {simulator.HTML(503), failure{opsmanager.ReasonServerError, 503, "", "HTTP 503"}},
		"login page":              {simulator.HTML(200), failure{opsmanager.ReasonBadResponse, 200, "", "HTTP 200: the body is not a single JSON value"}},
		"errorCode in other case": {simulator.Code(404, "org_not_found"), failure{opsmanager.ReasonNotFound, 404, "", "HTTP 404"}},
		"errorCode as free text":  {simulator.Code(404, "ORG NOT FOUND"), failure{opsmanager.ReasonNotFound, 404, "", "HTTP 404"}},
		"errorCode too long":      {simulator.Code(404, "A"+strings.Repeat("B", 64)), failure{opsmanager.ReasonNotFound, 404, "", "HTTP 404"}},
		"errorCode of a number":   {simulator.Body(404, "", `{"errorCode":7}`), failure{opsmanager.ReasonNotFound, 404, "", "HTTP 404"}},
		"reset":                   {simulator.Reset(), failure{opsmanager.ReasonConnect, 0, "", "read tcp ADDRESS->ADDRESS: read: connection reset by peer"}},
		"cut in the headers":      {simulator.Cut(), failure{opsmanager.ReasonConnect, 0, "", "net/http: HTTP/1.x transport connection broken: unexpected EOF"}},
		"cut in the body":         {simulator.Truncated(), failure{opsmanager.ReasonConnect, 0, "", "unexpected EOF"}},
		"truncated, but complete": {simulator.TruncatedJSON(), failure{opsmanager.ReasonBadResponse, 200, "", "HTTP 200: the body is not a single JSON value"}},
		"envelope, not requested": {simulator.Envelope("content"), failure{opsmanager.ReasonBadResponse, 200, "", "HTTP 200: the status is not a string"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, simulator.Options{}, simulator.Org{Answer: tt.answer})
			status, err := newRig(t, s.URL(), nil).poll(t)
			tt.want.check(t, status, err)
		})
	}
}

func TestAddressOfError(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Org{Answer: simulator.NotOnAccessList("192.0.2.7")})
	_, err := newRig(t, s.URL(), nil).poll(t)
	if e, ok := err.(*opsmanager.Error); !ok || e.Address != netip.MustParseAddr("192.0.2.7") { //nolint:errorlint // the documented type
		t.Errorf("got %#v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "55": 55 * time.Second, "86400": 24 * time.Hour, "86401": 24 * time.Hour, "4294967295": 24 * time.Hour,
		"99999999999999999999": 0, "-1": 0, "1.5": 0, "soon": 0, testPrivate: 0,
		at(-time.Hour): 0, at(time.Hour): time.Hour, at(100 * time.Hour): 24 * time.Hour, "Sun, 06 Nov 1994 08:49:37 GMT": 0,
	} {
		_, err := newRig(t, simulate(t, simulator.Options{}, simulator.Org{Answer: simulator.RateLimited(text)}).URL(), nil).poll(t)
		e, ok := err.(*opsmanager.Error) //nolint:errorlint // the documented type
		passes := time.Duration(0)       // before the response arrives
		if strings.HasSuffix(text, "GMT") {
			passes = time.Minute
		}
		if !ok || e.Reason != opsmanager.ReasonRateLimited || e.RetryAfter > want || e.RetryAfter < want-passes {
			t.Errorf("%q: got %#v, want %s", text, err, want)
			continue
		}
		said := "HTTP 429 RATE_LIMITED"
		if e.RetryAfter > 0 {
			said += ": retry after " + e.RetryAfter.String()
		}
		if e.Error() != said {
			t.Errorf("%q: says %q", text, e)
		}
	}
}

// Behind a proxy that strips a prefix, a server that compares the path with the digest's,
// such as Apache, responds with 400.
func TestPathThatAProxyChanges(t *testing.T) {
	const prefix = "HTTP 400: a proxy in front of Ops Manager may have changed the path, which the digest covers: configure it to pass the path on unchanged"
	for path, want := range map[string]string{"": "HTTP 400", "/": "HTTP 400", "/om": prefix, "/om/": prefix} {
		status, err := newRig(t, answering(t, http.StatusBadRequest, "")+path, nil).poll(t)
		failure{opsmanager.ReasonBadResponse, 400, "", want}.check(t, status, err)
	}
	status, err := newRig(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })+"/om", nil).poll(t)
	failure{opsmanager.ReasonBadResponse, 400, "", "HTTP 400"}.check(t, status, err)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var seen atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	t.Cleanup(other.Close)
	for _, code := range []int{300, 301, 302, 303, 305, 307, 308} {
		for _, early := range []bool{true, false} {
			t.Run(fmt.Sprint(code, early), func(t *testing.T) {
				redirect := simulator.Redirect(other.URL+"/api/public/v1.0/orgs/"+testOrg+"/liveExport/migrationLink/status", code)
				org := simulator.Org{Answer: redirect}
				if early {
					org.BeforeAuth = redirect
				}
				status, err := newRig(t, simulate(t, simulator.Options{}, org).URL(), nil).poll(t)
				failure{opsmanager.ReasonRedirect, code, "", fmt.Sprintf("HTTP %d", code)}.check(t, status, err)
			})
		}
	}
	if n := seen.Load(); n != 0 {
		t.Errorf("the other server saw %d requests", n)
	}
}

func TestReasonsOfTheNetwork(t *testing.T) {
	const connect, bad = opsmanager.ReasonConnect, opsmanager.ReasonBadResponse
	const invalid = "the response is not valid HTTP"
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct {
		name, answer string
		reason       opsmanager.Reason
		code         int
		text         string
	}{
		{"nothing", "", connect, 0, "EOF"},
		{"half a status line", "HTTP/1.1 2", connect, 0, "unexpected EOF"},
		{"half a header name", ok + "Content-Ty", connect, 0, "unexpected EOF"},
		{"half a chunk size", ok + "Transfer-Encoding: chunked\r\n\r\n1", connect, 0, "unexpected EOF"},
		{"half of the headers", ok + "Content-Type: app", connect, 0, "net/http: HTTP/1.x transport connection broken: unexpected EOF"},
		{"no end of the headers", ok + "Content-Length: 0\r\n", connect, 0, "net/http: HTTP/1.x transport connection broken: unexpected EOF"},
		{"cut body", ok + "Content-Length: 19\r\n\r\n" + `{"status":"SYNCED"`, connect, 0, "unexpected EOF"},
		{"whole status, cut body", ok + "Content-Length: 20\r\n\r\n" + `{"status":"SYNCED"}`, connect, 0, "unexpected EOF"},
		{"cut chunk", ok + "Transfer-Encoding: chunked\r\n\r\n20\r\n" + `{"status":"SYNCED"}`, connect, 0, "unexpected EOF"},
		{"no last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n13\r\n{\"status\":\"SYNCED\"}\r\n", connect, 0, "unexpected EOF"},
		{"malformed chunk", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", bad, 0, invalid},
		{"other transfer encoding", ok + "Transfer-Encoding: gzip\r\n\r\n", bad, 0, invalid},
		{"other protocol", "SSH-2.0-OpenSSH_9.9\r\n", bad, 0, invalid},
		{"HTTP/0.9", `{"status":"SYNCED"}` + "\r\n\r\n", bad, 0, invalid},
		{"TLS", "\x15\x03\x01\x00\x02\x02\x46\r\n\r\n", bad, 0, invalid},
		{"short code", "HTTP/1.1 20 OK\r\n\r\n", bad, 0, invalid},
		{"malformed header", ok + "no colon\r\n\r\n", bad, 0, invalid},
		{"length not a number", ok + "Content-Length: ten\r\n\r\n", bad, 0, invalid},
		{"length below 0", ok + "Content-Length: -1\r\n\r\n", bad, 0, invalid},
		{"two lengths", ok + "Content-Length: 19\r\nContent-Length: 18\r\n\r\n" + `{"status":"SYNCED"}`, bad, 0, invalid},
		{"huge header", ok + "X: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", bad, 0, invalid},
		{"many headers", ok + strings.Repeat("X-Y: z\r\n", 20<<10) + "\r\n", bad, 0, invalid},
		{"flood of 103", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 5000), bad, 0, invalid},
		{"flood of 100", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 10000), bad, 0, invalid},
		{"code 999", "HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", bad, 999, "HTTP 999"},
		{"code 000", "HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n", bad, 0, "bad_response"},
		{"101 without upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", bad, 101, "HTTP 101"},
		{"no length", "HTTP/1.0 200 OK\r\n\r\n" + `{"status":"SYNC`, bad, 200, "HTTP 200: the body is not a single JSON value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, err := newRig(t, say(t, tt.answer), nil).poll(t)
			failure{tt.reason, tt.code, "", tt.text}.check(t, status, err)
		})
	}
}

func TestOldAndOddHTTP(t *testing.T) {
	const body = `{"status":"SYNCED"}`
	for name, answer := range map[string]string{
		"HTTP/1.0":             "HTTP/1.0 200 OK\r\n\r\n" + body,
		"HTTP/1.0 with length": "HTTP/1.0 200 OK\r\nContent-Length: 19\r\n\r\n" + body,
		"no reason phrase":     "HTTP/1.1 200\r\n\r\n" + body,
		"100 first":            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + body,
		"103 first":            "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + body,
		"line feeds":           "HTTP/1.1 200 OK\n\n" + body,
		"chunks":               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"status\"\r\na\r\n:\"SYNCED\"}\r\n0\r\nX: trailer\r\n\r\n",
		"more than its length": "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n" + body + body,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, say(t, answer), nil)
			r.synced(t)
			r.synced(t)
		})
	}
}

func TestReasonsBeforeHTTP(t *testing.T) {
	t.Run("dns", func(t *testing.T) {
		status, err := newRig(t, "http://nonexistent.invalid", nil).poll(t)
		if opsmanager.ReasonOf(err) != opsmanager.ReasonDNS || status != "" || !strings.HasPrefix(err.Error(), "dial tcp: lookup nonexistent.invalid") {
			t.Errorf("got %q, %v", status, err)
		}
	})
	t.Run("dns of the proxy", func(t *testing.T) {
		_, err := newRig(t, "https://nonexistent.invalid", through("nonexistent.invalid:3128")).poll(t)
		if opsmanager.ReasonOf(err) != opsmanager.ReasonDNS {
			t.Errorf("got %v", err)
		}
	})
	free := "127.0.0.1:1" // tcpmux, which is never used
	t.Run("refused", func(t *testing.T) {
		status, err := newRig(t, "http://"+free, nil).poll(t)
		failure{opsmanager.ReasonConnect, 0, "", "dial tcp ADDRESS: connect: connection refused"}.check(t, status, err)
	})
	t.Run("proxy refused", func(t *testing.T) {
		status, err := newRig(t, "https://nonexistent.invalid", through(free)).poll(t)
		failure{opsmanager.ReasonConnect, 0, "", "proxyconnect tcp: dial tcp ADDRESS: connect: connection refused"}.check(t, status, err)
	})
	for name, tt := range map[string]struct{ answer, text string }{
		"proxy requires authentication": {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy refused CONNECT with HTTP 407"},
		"proxy forbids":                 {"HTTP/1.1 403 " + testPrivate + "\r\n\r\n", "the proxy refused CONNECT with HTTP 403"},
		"proxy says 204":                {"HTTP/1.1 204 No Content\r\n\r\n", "the proxy refused CONNECT with HTTP 204"},
		"proxy says nothing":            {"", "unexpected EOF"},
		"proxy says something":          {"Basic dXNlcjpwYXNz\r\n", "the connection failed"},
		"proxy says bad line":           {"HTTP/1.1 200 OK\r\nBasic dXNlcjpwYXNz\r\n\r\n", "the connection failed"},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := listen(t, func(c net.Conn, _ int) {
				if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil && r.Method == http.MethodConnect {
					_, _ = c.Write([]byte(tt.answer))
				}
			})
			status, err := newRig(t, "https://nonexistent.invalid", through(proxy)).poll(t)
			failure{opsmanager.ReasonConnect, 0, "", tt.text}.check(t, status, err)
		})
	}
}
