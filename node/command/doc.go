// Package command executes commands: the checks that come before execution in
// Redis's order, the routing question to node/cluster before a key is touched,
// transactions, pub/sub, blocking, and the handlers of the commands that the
// node executes. A command of the table without a handler is checked and routed
// like any other and then refused by name.
//
// It has no socket, goroutine, file or clock: the driver hands in whole argument
// vectors and the time, and takes the reply bytes of each client.
//
// Package table underneath it knows what each command is; package config holds
// the directives.
package command
