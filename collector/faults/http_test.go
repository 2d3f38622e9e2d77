package faults_test

import (
	"fmt"
	"strings"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
)

// elsewhere is the target of redirects and challenges. The address is reserved for
// documentation (RFC 5737), so following one reaches no host.
const elsewhere = "http://192.0.2.1:8080/"

// coded responds with a code and a body with SYNCED.
func coded(code int) simulator.Answer {
	return simulator.Body(code, "application/json", syncedBody)
}

// headed is a raw response with additional header lines.
func headed(lines string) simulator.Answer {
	return raw(ok+"Content-Length: 19\r\n"+lines+"\r\n"+syncedBody, closed)
}

func httpFaults() []fault {
	var faults []fault
	for code, want := range map[int]string{
		201: "bad_response", 202: "bad_response", 203: "bad_response", 204: "bad_response", 205: "bad_response",
		206: "bad_response", 207: "bad_response", 208: "bad_response", 226: "bad_response", 299: "bad_response",
		300: "redirect", 301: "redirect", 302: "redirect", 303: "redirect", 304: "redirect", 305: "redirect", 307: "redirect", 308: "redirect", 399: "redirect",
		400: "bad_response", 401: "unauthorized", 402: "bad_response", 403: "forbidden", 404: "not_found", 405: "bad_response",
		406: "bad_response", 407: "bad_response", 408: "bad_response", 409: "bad_response", 410: "bad_response", 413: "bad_response",
		418: "bad_response", 421: "bad_response", 425: "bad_response", 426: "bad_response", 429: "rate_limited", 431: "bad_response",
		451: "bad_response", 499: "bad_response",
		500: "server_error", 501: "server_error", 502: "server_error", 503: "server_error", 504: "server_error", 505: "server_error",
		507: "server_error", 511: "server_error", 520: "server_error", 599: "server_error",
		600: "bad_response", 777: "bad_response", 999: "bad_response",
	} {
		faults = append(faults, fault{name: fmt.Sprint(code), want: want, answer: coded(code)})
	}
	for _, code := range []int{301, 302, 303, 307, 308} {
		faults = append(faults, fault{name: fmt.Sprintf("%d to another host", code), want: "redirect", answer: simulator.Redirect(elsewhere, code)})
	}
	return append(faults, []fault{
		{name: "100 first", want: "1", answer: raw("HTTP/1.1 100 Continue\r\n\r\n"+whole, closed)},
		{name: "102 first", want: "1", answer: raw("HTTP/1.1 102 Processing\r\n\r\n"+whole, closed)},
		{name: "103 first", want: "1", answer: raw("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+whole, closed)},
		{name: "only 100", want: "connect", answer: raw("HTTP/1.1 100 Continue\r\n\r\n", closed)},
		{name: "101", want: "bad_response", answer: raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"+syncedBody, stays)},
		{name: "endless 100", want: "bad_response", answer: raw("", says("HTTP/1.1 100 Continue\r\n\r\n", 0))},
		{name: "endless 103", want: "bad_response", answer: raw("", says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0))},
		{name: "redirect to itself", want: "redirect", answer: simulator.Redirect("", 302)},
		{name: "redirect to nonsense", want: "redirect", answer: simulator.Redirect("://%zz", 302)},

		{name: "missing role", want: "role", answer: simulator.MissingRole(false)},
		{name: "missing role with a challenge", want: "role", answer: simulator.MissingRole(true)},
		{name: "missing role as 403", want: "role", answer: simulator.Code(403, "NOT_ORG_ADMIN")},
		{name: "not in group", want: "role", answer: simulator.Code(401, "NOT_IN_GROUP")},
		{name: "no current user", want: "role", answer: simulator.Code(401, "NO_CURRENT_USER")},
		{name: "access list", want: "access_list", answer: simulator.NotOnAccessList("192.0.2.7")},
		{name: "access list required", want: "access_list", answer: simulator.OrgRequiresAccessList("192.0.2.7")},
		{name: "access list required by the resource", want: "access_list", answer: simulator.ResourceRequiresAccessList("192.0.2.7")},
		{name: "access list of old", want: "access_list", answer: simulator.Code(403, "RESOURCE_REQUIRES_WHITELIST")},
		{name: "access list of old, address", want: "access_list", answer: simulator.Code(403, "IP_ADDRESS_NOT_ON_WHITELIST")},
		{name: "access list as 401", want: "unauthorized", answer: simulator.Code(401, "IP_ADDRESS_NOT_ON_ACCESS_LIST")},
		{name: "not offered", want: "forbidden", answer: simulator.Code(403, "FEATURE_UNSUPPORTED")},
		{name: "organization not found", want: "not_found", answer: simulator.OrgNotFound()},
		{name: "resource not found", want: "not_found", answer: simulator.ResourceNotFound()},
		{name: "role in a 404", want: "not_found", answer: simulator.Code(404, "NOT_ORG_ADMIN")},
		{name: "rate limited", want: "rate_limited", answer: simulator.RateLimited("55")},
		{name: "rate limited, no time said", want: "rate_limited", answer: simulator.RateLimited("")},
		{name: "unexpected error", want: "server_error", answer: simulator.UnexpectedError()},
		{name: "502 in HTML", want: "server_error", answer: simulator.HTML(502)},
		{name: "200 in HTML", want: "bad_response", answer: simulator.HTML(200)},

		{name: "HTTP/1.0", want: "1", answer: raw("HTTP/1.0 200 OK\r\n\r\n"+syncedBody, closed)},
		{name: "HTTP/1.0, cut", want: "bad_response", answer: raw("HTTP/1.0 200 OK\r\n\r\n"+syncedBody[:12], closed)},
		{name: "HTTP/1.2", want: "1", answer: raw(strings.Replace(whole, "1.1", "1.2", 1), closed)},
		{name: "HTTP/3.0", want: "bad_response", answer: raw(strings.Replace(whole, "HTTP/1.1", "HTCPCP/3.0", 1), closed)},
		{name: "no reason phrase", want: "1", answer: raw(strings.Replace(whole, " OK", "", 1), closed)},
		{name: "only line feeds", want: "1", answer: raw(strings.ReplaceAll(whole, "\r\n", "\n"), closed)},
		{name: "connection closed each time", want: "1", answer: simulator.CloseAfter(simulator.Status("SYNCED"))},
		{name: "closed without saying so", want: "1", answer: raw(whole, closed)},
		{name: "two digits of code", want: "bad_response", answer: raw("HTTP/1.1 20 OK\r\n\r\n", closed)},
		{name: "four digits of code", want: "bad_response", answer: raw("HTTP/1.1 2000 OK\r\n\r\n", closed)},
		{name: "code of letters", want: "bad_response", answer: raw("HTTP/1.1 OK 200\r\n\r\n", closed)},
		{name: "code below 0", want: "bad_response", answer: raw("HTTP/1.1 -20 OK\r\n\r\n", closed)},

		{name: "length too short", want: "bad_response", answer: raw(ok+"Content-Length: 10\r\n\r\n"+syncedBody, closed)},
		{name: "length of one too short", want: "bad_response", answer: raw(ok+"Content-Length: 18\r\n\r\n"+syncedBody, closed)},
		{name: "length too long, closed", want: "connect", answer: raw(ok+"Content-Length: 20\r\n\r\n"+syncedBody, closed)},
		{name: "length too long, silent", want: "timeout", answer: raw(ok+"Content-Length: 20\r\n\r\n"+syncedBody, stays)},
		{name: "length 0", want: "bad_response", answer: raw(ok+"Content-Length: 0\r\n\r\n"+syncedBody, closed)},
		{name: "length below 0", want: "bad_response", answer: raw(ok+"Content-Length: -1\r\n\r\n"+syncedBody, closed)},
		{name: "length in words", want: "bad_response", answer: raw(ok+"Content-Length: nineteen\r\n\r\n"+syncedBody, closed)},
		{name: "length beyond 64 bits", want: "bad_response", answer: raw(ok+"Content-Length: 99999999999999999999\r\n\r\n"+syncedBody, closed)},
		{name: "length of exabytes", want: "connect", answer: raw(ok+"Content-Length: 9223372036854775807\r\n\r\n"+syncedBody, closed)},
		{name: "two lengths", want: "bad_response", answer: raw(ok+"Content-Length: 19\r\nContent-Length: 20\r\n\r\n"+syncedBody, closed)},
		{name: "the same length twice", want: "1", answer: raw(ok+"Content-Length: 19\r\nContent-Length: 19\r\n\r\n"+syncedBody, closed)},
		{name: "no length", want: "1", answer: raw(ok+"\r\n"+syncedBody, closed)},
		{name: "no length, silent", want: "timeout", answer: raw(ok+"Connection: close\r\n\r\n"+syncedBody, stays)},
		{name: "chunks", want: "1", answer: raw(chunked+"9\r\n"+syncedBody[:9]+"\r\na\r\n"+syncedBody[9:]+"\r\n0\r\n\r\n", closed)},
		{name: "chunks with a trailer", want: "1", answer: raw(chunked+"13;x=y\r\n"+syncedBody+"\r\n0\r\nX: y\r\n\r\n", closed)},
		{name: "chunk size of letters", want: "bad_response", answer: raw(chunked+"zz\r\n"+syncedBody, closed)},
		{name: "chunk size too short", want: "bad_response", answer: raw(chunked+"5\r\n"+syncedBody+"\r\n0\r\n\r\n", closed)},
		{name: "chunk size of exabytes", want: "bad_response", answer: raw(chunked+"fffffffffffffffff\r\n"+syncedBody, closed)},
		{name: "other transfer coding", want: "bad_response", answer: raw(ok+"Transfer-Encoding: gzip\r\n\r\n"+syncedBody, closed)},
		{name: "chunks and a length", want: "1", answer: raw(ok+"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n"+syncedBody+"\r\n0\r\n\r\n", closed)},

		{name: "header of 60 KiB", want: "1", answer: headed("X: " + strings.Repeat("x", 60<<10) + "\r\n")},
		{name: "header of 1 MiB", want: "bad_response", answer: headed("X: " + strings.Repeat("x", 1<<20) + "\r\n")},
		{name: "many headers", want: "bad_response", answer: headed(strings.Repeat("X-Y: z\r\n", 20<<10))},
		{name: "endless headers", want: "bad_response", answer: raw(ok, says("X-Y: "+strings.Repeat("z", 1000)+"\r\n", 0))},
		{name: "endless header line", want: "bad_response", answer: raw(ok+"X: ", says(strings.Repeat("x", 1000), 0))},
		{name: "endless status line", want: "bad_response", answer: raw("HTTP/1.1 200 ", says(strings.Repeat("x", 1000), 0))},
		{name: "header without colon", want: "bad_response", answer: headed("nonsense\r\n")},
		{name: "header with a space in its name", want: "1", answer: headed("X Y: z\r\n")},
		{name: "header with a zero byte", want: "bad_response", answer: headed("X: a\x00b\r\n")},
		{name: "folded header", want: "1", answer: headed("X: a\r\n b\r\n")},
		{name: "headers twice", want: "1", answer: simulator.DuplicateHeaders()},
		{name: "date of another century", want: "1", answer: headed("Date: Mon, 01 Jan 1900 00:00:00 GMT\r\n")},
		{name: "answer of a cache", want: "bad_response", answer: headed("Age: 300\r\n")},
		{name: "hostile version", want: "1", answer: headed("X-MongoDB-Service-Version: gitHash; versionString=\"}\r\n")},

		{name: "body of 64 KiB", want: "1", answer: simulator.HugeBody(64 << 10)},
		{name: "body of 64 KiB and one byte", want: "bad_response", answer: simulator.HugeBody(64<<10 + 1)},
		{name: "body of 64 MiB", want: "bad_response", answer: simulator.HugeBody(64 << 20)},
		{name: "endless body", want: "bad_response", answer: raw(ok+"\r\n", says(strings.Repeat(" ", 10000), 0))},
		{name: "endless chunks", want: "bad_response", answer: raw(chunked, says("3e8\r\n"+strings.Repeat(" ", 1000)+"\r\n", 0))},
		{name: "endless body, slow", want: "timeout", answer: raw(ok+"\r\n"+syncedBody, says(" ", 100*time.Millisecond))},
		{name: "endless 401", want: "unauthorized", answer: raw("HTTP/1.1 401 No\r\n\r\n", says(strings.Repeat("x", 10000), 0))},
		{name: "endless 500", want: "server_error", answer: raw("HTTP/1.1 500 No\r\n\r\n", says(strings.Repeat("x", 10000), 0))},
		{name: "500, cut", want: "connect", answer: raw("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nx", closed)},
	}...)
}
