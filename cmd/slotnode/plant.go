//go:build plant

package main

import (
	"os"
	"strings"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command"
)

// The faults of the bus have names that begin with "bus-".
func init() {
	if name, ok := strings.CutPrefix(os.Getenv(command.PlantEnv), "bus-"); ok {
		cluster.Plant = name
	}
}
