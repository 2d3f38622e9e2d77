// Package bearer keeps the access tokens of service accounts (OAuth 2.0 client
// credentials: RFC 6749, section 4.4, and RFC 6750) for concurrent polls.
//
// [Accounts] keeps an [Account] for each service account at each origin. All polls of
// an account share its token, which one of them requests when there is none. How long
// a token lasts is counted from the request for it on this host's clock, so the
// clocks of the two hosts may differ.
package bearer
