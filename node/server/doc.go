// Package server runs a node as a process: it is the only package under node/
// with sockets, goroutines, files and a clock.
//
// One goroutine, the owner, executes commands and steps the cluster core, one
// event after the other. Every connection has a reader goroutine that hands
// over all that one read brought, and waits until the owner is done with it,
// because what it read is not copied. Writes are tried by the owner without
// blocking; only what the kernel does not take is left to a goroutine.
//
// It decides nothing about commands (node/command) or the cluster
// (node/cluster).
package server
