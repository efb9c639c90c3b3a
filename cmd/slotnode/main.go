// Command slotnode is a Redis Cluster node: a drop-in redis-server in cluster
// mode. See node/server.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/slotdiff/slotdiff/node/server"
)

// gcPercent is how much a node's heap may grow before it is collected, in percent of what lives: that is a few megabytes, and with the
// usual 100 a fifth of a busy node's time goes to the collector. GOGC overrides it.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(server.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
