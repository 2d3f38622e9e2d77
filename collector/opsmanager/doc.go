// Package opsmanager reads the migration link status of organizations from the
// public API of MongoDB Ops Manager and Cloud Manager.
//
// A [Client] belongs to one Ops Manager. Each call of
// [Client.MigrationLinkStatus] is one poll: it asks the endpoint now, behind
// digest authentication, and returns SYNCED or NOT_SYNCED only if exactly that
// was read from a whole answer with status code 200. Everything else is an
// [*Error] with a [Reason] out of a closed set.
//
// Digest state lives in [Sessions], one session per API key and origin, and is
// shared by all the organizations and clients that use that key there.
package opsmanager
