package command

import (
	"runtime/metrics"

	"github.com/slotdiff/slotdiff/node/command/table"
)

// oomText is shared.oomerr.
const oomText = "OOM command not allowed when used memory > 'maxmemory'."

// heapInUse is the metric that stands for used_memory: bytes of live and not yet swept objects.
const heapInUse = "/memory/classes/heap/objects:bytes"

// outOfMemory reports whether the server holds more than maxmemory, in bytes, allows; 0: no limit.
// Nothing is ever evicted here: with a policy that would evict, the server is never out of memory.
// Mirrors evict.c:performEvictions as far as its verdict goes.
func (e *Engine) outOfMemory() bool {
	limit := e.Config.Int("maxmemory")
	if limit == 0 || e.Config.Text("maxmemory-policy") != "noeviction" {
		return false
	}
	sample := []metrics.Sample{{Name: heapInUse}}
	metrics.Read(sample)
	return sample[0].Value.Uint64() > uint64(limit)
}

// oomRefuses reports whether a command that takes up memory is refused for want of it, and notes
// whether there is any for scripts. Mirrors server.c:processCommand, pre_command_oom_state.
func (e *Engine) oomRefuses(c *Client, cmd *table.Command, flags table.Flag) bool {
	e.oom = e.outOfMemory()
	return e.oom && (flags&table.DenyOOM != 0 || cmd == cmdExec && c.queueFlags&table.DenyOOM != 0)
}
