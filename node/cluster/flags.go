package cluster

import "github.com/slotdiff/slotdiff/wire/bus"

// Short names of the node flags that roles are made of.
const (
	flagMaster    = bus.FlagMaster
	flagReplica   = bus.FlagReplica
	flagMigrateTo = bus.FlagMigrateTo
	flagsFailing  = bus.FlagPFail | bus.FlagFail
)
