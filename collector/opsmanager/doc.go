// Package opsmanager reads the migration link status of organizations from the
// public API of MongoDB Ops Manager and Cloud Manager.
//
// A [Client] belongs to one Ops Manager. Each call of [Client.MigrationLinkStatus] is
// one poll: it queries the endpoint, with an API key (digest authentication) or a
// service account (OAuth 2.0), and returns SYNCED or NOT_SYNCED only if it reads
// exactly that from a complete response with status code 200. Anything else is an
// [*Error] with a [Reason] from a closed set.
//
// [Sessions] holds the nonces of each API key and the token of each service account at
// each origin, which are shared by all organizations and clients that use it there.
package opsmanager
