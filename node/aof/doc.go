// Package aof keeps a keyspace on disk as a log of commands, in the multi-part format of Redis
// 8.6.3: a directory with a manifest, one base file and increments. A single file of a version
// before 7 is taken in as the base.
//
// It reads what Redis writes with aof-use-rdb-preamble off, and Redis reads what it writes. It
// refuses a base in RDB form, by name. It never rewrites the log by itself: the increment grows.
//
// It knows commands as lists of words and gives them no meaning. It has no clock: when to sync
// is its owner's business. It is not safe for concurrent use.
package aof
