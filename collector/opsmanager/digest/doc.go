// Package digest implements HTTP digest authentication (RFC 7616) for concurrent polls
// of Ops Manager.
//
// [Sessions] keeps a [Session] for each API key at each origin. Each poll has an
// [Attempts], which provides the credentials of its requests and interprets each 401.
// All polls of a key share nonces, together with the cookies set by the same responses:
// behind a load balancer the cookie leads to the server that issued the nonce, and some
// servers bind a nonce to a session cookie.
//
// github.com/icholy/digest computes the hashes. This package manages the state itself
// because that package's Transport keeps it per host name only, requests a challenge
// for each concurrent request, and mistakes an expired nonce for a rejected key.
package digest
