//go:build plant

package cluster

// Plant names the fault that is made on purpose, "": none. It exists only in a build with the tag "plant", for tests that
// show that such faults are found.
var Plant string

func planted(name string) bool { return Plant == name }

// Plants are the names of all such faults.
var Plants = []string{
	"version-unchecked", "epoch-ignored", "config-epoch-ignored", "nofailover-not-copied", "pong-clears-nothing",
	"update-dropped", "claim-of-older-epoch", "stale-claim-not-told", "gossip-of-stranger", "report-of-replica", "noaddr-added",
	"blacklist-ignored", "fail-of-stranger", "hostname-kept", "ext-length", "shard-ignored", "address-kept",
	"vote-in-old-epoch", "forgotten-ignored",
}
