// Package digest answers the HTTP digest challenges (RFC 7616) of an Ops Manager
// for many polls at once.
//
// [Sessions] keeps a [Session] for each API key at each origin. A poll begins an
// [Attempts], which says what goes with each of its requests and what a 401 to it
// means. Nonces are shared by all polls of a key, together with the cookies that
// came with them: behind a balancer the cookie leads to the server that issued
// the nonce, and some servers bind a nonce to a session cookie.
//
// Hashes are computed by github.com/icholy/digest. The state is our own because
// that package's Transport keys it by host name alone, asks for a challenge once
// per concurrent request, and takes an expired nonce for a rejected key.
package digest
