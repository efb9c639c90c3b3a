// Command slotnode is a Redis Cluster node: a drop-in redis-server in cluster
// mode. See node/server.
package main

import (
	"context"
	"os"

	"github.com/slotdiff/slotdiff/node/server"
)

func main() {
	os.Exit(server.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
