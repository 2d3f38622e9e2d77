package opsmanager_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/config"
)

var quotedField = regexp.MustCompile(`(nonce|cnonce|response)="([^"]*)"`)

// echoes returns responses that repeat a secret, {}, in every part.
func echoes() map[string]string {
	body := func(head, body string) string {
		return "HTTP/1.1 " + head + "\r\nX-MongoDB-Service-Version: gitHash={}; versionString={}\r\n\r\n" + body
	}
	return map[string]string{
		"status":           body("200 OK", `{"status":"{}"}`),
		"part of status":   body("200 OK", `{"status":"NOT_{}_SYNCED"}`),
		"body":             body("200 OK", `{}`),
		"member":           body("200 OK", `{"{}":"{}","status":{"{}":"{}"}}`),
		"error body":       body("403 No", `{"errorCode":"{}","detail":"{}","reason":"{}","error":"{}","parameters":["{}"]}`),
		"part of code":     body("404 No", `{"errorCode":"NOT_{}_FOUND"}`),
		"address":          body("403 No", `{"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST","parameters":["fe80::1%{}","{}"]}`),
		"status code":      "HTTP/1.1 {} OK\r\n\r\n",
		"status line":      "{}\r\n\r\n",
		"version":          "{}/1.1 200 OK\r\n\r\n",
		"reason phrase":    "HTTP/1.1 500 {}\r\n\r\n",
		"header line":      "HTTP/1.1 200 OK\r\n{}\r\n\r\n",
		"header name":      "HTTP/1.1 200 OK\r\n{} {}: {}\r\n\r\n",
		"length":           "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
		"two lengths":      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: {}\r\n\r\n",
		"coding":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: {}\r\n\r\n",
		"chunk":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n",
		"trailer":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}\r\n\r\n",
		"content coding":   "HTTP/1.1 200 OK\r\nContent-Encoding: {}\r\n\r\n{}",
		"gzip":             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{}",
		"redirect":         "HTTP/1.1 302 {}\r\nLocation: http://{}/?{}\r\n\r\n{}",
		"malformed target": "HTTP/1.1 302 {}\r\nLocation: ://{} %zz\r\n\r\n",
		"101":              "HTTP/1.1 101 {}\r\nConnection: Upgrade\r\nUpgrade: {}\r\n\r\n{}",
		"hint":             "HTTP/1.1 103 {}\r\n{}\r\n\r\n",
		"realm":            "HTTP/1.1 401 {}\r\nWWW-Authenticate: Digest realm=\"{}\", nonce=\"{}\", qop=\"{}\"\r\n\r\n{}",
		"algorithm":        "HTTP/1.1 401 {}\r\nWWW-Authenticate: Digest realm=\"{}\", nonce=\"{}\", qop=\"auth\", algorithm={}\r\n\r\n{}",
		"directive":        "HTTP/1.1 401 {}\r\nWWW-Authenticate: Digest {}={}, {}={}, nonce=\"\r\n\r\n{}",
		"scheme":           "HTTP/1.1 401 {}\r\nWWW-Authenticate: {}\r\n\r\n{\"errorCode\":\"{}\"}",
		"cookies":          "HTTP/1.1 200 {}\r\nSet-Cookie: {}={}; path=/{}\r\n\r\n{}",
		"authentication":   "HTTP/1.1 200 {}\r\nAuthentication-Info: rspauth=\"{}\", cnonce=\"{}\", nc={}\r\n\r\n{}",
		"cache":            "HTTP/1.1 200 {}\r\nAge: {}\r\nCache-Status: {}; hit\r\nX-Cache: {}\r\nWarning: 110 {}\r\n\r\n{}",
		"later":            "HTTP/1.1 429 {}\r\nRetry-After: {}\r\n\r\n{\"errorCode\":\"{}\"}",
		"access list":      body("403 No", `{"errorCode":"{}_ACCESS_LIST","parameters":["{}"]}`),
		"unasked":          "HTTP/1.1 500 {}\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 {}\r\n\r\n",
	}
}

// TestSecretsAreNotRepeated polls a server that echoes secrets, even the private key, in
// every part of a response. In the responses {} is replaced by the secret.
func TestSecretsAreNotRepeated(t *testing.T) {
	const cookie = "COOKIE_ABCDEF"
	answers := echoes()
	for _, key := range [][2]string{
		{testPublic, testPrivate},
		{"JKQMZXVT", "PRIVATE_KEY_IN_CAPITALS"}, // the form of a status and of an errorCode
	} {
		public, private := key[0], key[1]
		for name, answer := range answers {
			t.Run(public+" "+name, func(t *testing.T) {
				for _, repeat := range []string{"authorization", "public", "private", "nonce", "cnonce", "response", "cookie"} {
					for _, form := range []func(string) string{strings.Clone, strings.ToUpper} {
						sent := make(chan map[string]string, 2) // the response may break its connection
						address := listen(t, func(c net.Conn, _ int) {
							in := bufio.NewReader(c)
							for {
								r, err := http.ReadRequest(in)
								if err != nil {
									return
								}
								authorization := r.Header.Get("Authorization")
								if authorization == "" {
									_, _ = c.Write([]byte("HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: " + challenge +
										"\r\nSet-Cookie: ID=" + cookie + "; path=/\r\n\r\n"))
									continue
								}
								said := map[string]string{"authorization": authorization, "public": public, "private": private, "cookie": cookie}
								if r.Header.Get("Cookie") != "ID="+cookie {
									t.Errorf("sent the cookies %q", r.Header.Get("Cookie"))
								}
								for _, m := range quotedField.FindAllStringSubmatch(authorization, -1) {
									said[m[1]] = m[2]
								}
								sent <- said // first, so that it is available when the poll ends
								_, _ = c.Write([]byte(strings.ReplaceAll(answer, "{}", form(said[repeat]))))
								return
							}
						})
						r := newRig(t, "http://"+address, nil)
						var steps []string
						ctx := opsmanager.WithTrace(t.Context(), func(step string) {
							r.mu.Lock()
							defer r.mu.Unlock()
							steps = append(steps, step)
						})
						_, err := r.read(ctx, keyOf(public, private), testOrg)
						if err == nil {
							t.Fatal("no error")
						}
						r.Close()
						r.mu.Lock()
						said := strings.ToLower(fmt.Sprintf("%v %+v %#v %s %q %+v %q", err, err, err, err, err, r.exchanges, steps))
						r.mu.Unlock()
						close(sent)
						for secrets := range sent {
							for name, secret := range secrets {
								if strings.Contains(said, strings.ToLower(secret)) {
									t.Errorf("repeated %s: shows the %s: %s", repeat, name, said)
								}
							}
						}
					}
				}
			})
		}
	}
}

// TestSecretsOfAccountsAreNotRepeated is the same for the endpoint for tokens, and for the API
// with a token.
func TestSecretsOfAccountsAreNotRepeated(t *testing.T) {
	const id, secret, token = "CLIENT_ID_ABCDEF", "CLIENT_SECRET_ABCDEF", "TOKEN_ABCDEF"
	answers := echoes()
	answers["token"] = "HTTP/1.1 200 {}\r\n\r\n{\"access_token\":\"{} {}\",\"token_type\":\"{}\",\"expires_in\":\"{}\"}"
	answers["token type"] = "HTTP/1.1 200 {}\r\n\r\n{\"access_token\":\"{}\",\"token_type\":\"{}\"}"
	answers["oauth error"] = "HTTP/1.1 400 {}\r\n\r\n{\"error\":\"{}\",\"error_description\":\"{}\",\"error_uri\":\"{}\"}"
	answers["oauth error in a 200"] = "HTTP/1.1 200 {}\r\n\r\n{\"error\":\"{}\",\"error_description\":\"{}\"}"
	answers["Bearer"] = "HTTP/1.1 401 {}\r\nWWW-Authenticate: Bearer realm=\"{}\", error=\"{}\", error_description=\"{}\"\r\n\r\n{\"errorCode\":\"{}\"}"
	const issued = "HTTP/1.1 200 OK\r\nContent-Length: 53\r\n\r\n" + `{"access_token":"` + token + `","token_type":"Bearer"}`
	for name, answer := range answers {
		for _, place := range []string{"/api/oauth/token", "/api/public/"} {
			t.Run(name+" "+place, func(t *testing.T) {
				for _, form := range []func(string) string{strings.Clone, strings.ToUpper} {
					for _, repeat := range []string{"authorization", "id", "secret", "token"} {
						if repeat == "token" && place == "/api/oauth/token" {
							continue // there is none yet
						}
						var credentials []string // of all requests
						var mu sync.Mutex
						address := listen(t, func(c net.Conn, _ int) {
							in := bufio.NewReader(c)
							for {
								r, err := http.ReadRequest(in)
								if err != nil {
									return
								}
								_, _ = io.Copy(io.Discard, r.Body)
								_, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
								mu.Lock()
								credentials = append(credentials, sent)
								mu.Unlock()
								if !strings.HasPrefix(r.URL.Path, place) {
									_, _ = io.WriteString(c, issued)
									continue
								}
								said := map[string]string{"authorization": sent, "id": id, "secret": secret, "token": token}[repeat]
								_, _ = c.Write([]byte(strings.ReplaceAll(answer, "{}", form(said))))
								return
							}
						})
						r := newRig(t, "http://"+address, nil)
						var steps []string
						ctx := opsmanager.WithTrace(t.Context(), func(step string) {
							r.mu.Lock()
							defer r.mu.Unlock()
							steps = append(steps, step)
						})
						_, err := r.read(ctx, accountOf(id, secret), testOrg)
						if err == nil {
							t.Fatal("no error")
						}
						r.Close()
						mu.Lock()
						secrets := append([]string{id, secret, token}, credentials...)
						mu.Unlock()
						r.mu.Lock()
						said := strings.ToLower(fmt.Sprintf("%v %+v %#v %s %q %+v %q", err, err, err, err, err, r.exchanges, steps))
						r.mu.Unlock()
						for _, s := range secrets {
							if strings.Contains(said, strings.ToLower(s)) {
								t.Errorf("repeated %s: shows %s: %s", repeat, s, said)
							}
						}
					}
				}
			})
		}
	}
}

// An error of a connection that repeats a part of the key is not shown.
func TestConnectionErrorThatRepeatsTheKey(t *testing.T) {
	address := realprogram.FreeAddress(t)
	r := newRig(t, "http://"+address, nil)
	r.key.Public = config.NewSecret(address)
	if _, err := r.poll(t); err == nil || err.Error() != "the connection error is not shown because it repeats the credentials" {
		t.Errorf("got %v", err)
	}
}
