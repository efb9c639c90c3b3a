//go:build !plant

package command

import (
	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command/table"
)

// The faults of plants.go are not in an ordinary build: these do what the node does without them.

func plantedArity(*table.Command, int) bool { return false }

func plantedKeys(_ *table.Command, _ [][]byte, keys []table.Key) []table.Key { return keys }

func plantedRoute(e *Engine, _ *Client, _ *table.Command, q cluster.Query) cluster.Route {
	return e.Cluster.Route(q)
}

func plantedAbort() bool { return false }

func plantedHandler(_ *Engine, _ *Client, h handler) handler { return h }
