package command

import (
	"testing"

	"github.com/slotdiff/slotdiff/node/cluster"
)

func TestBlockingForms(t *testing.T) {
	r := newRig(t)
	r.run(`
		a BLMPOP 0 2 {b}1 {b}2 RIGHT COUNT 2 =>
		d RPUSH {b}2 1 2 3 => :3
		a <= *2|$4|{b}2|*2|$1|3|$1|2
		a BZPOPMAX {b}z 0 =>
		d ZADD {b}z 1 x 2 y => :2
		a <= *3|$4|{b}z|$1|y|$1|2
		a BZPOPMIN {b}y 0 =>
		d ZUNIONSTORE {b}y 1 {b}z => :1
		a <= *3|$4|{b}y|$1|x|$1|1
		a BZMPOP 0 1 {b}w MIN COUNT 9 =>
		d ZADD {b}w 1 x => :1
		a <= *2|$4|{b}w|*1|*2|$1|x|$1|1
		a BLMOVE {b}s {b}t LEFT LEFT 0 =>
		c BRPOPLPUSH {b}t {b}u 0 =>
		d RPUSH {b}s 1 => :1
		a <= $1|1
		c <= $1|1
		d LRANGE {b}u 0 -1 => *1|$1|1
		d RPOPLPUSH {b}u {b}u => $1|1
		a BZPOPMIN {b}u 0 => -WRONGTYPE Operation against a key holding the wrong kind of value
		a BZPOPMIN {b}v 0 =>
		d RPUSH {b}v 1 => :1
		a <=
	`)
}

// A key of a stream is never written here: who waits for one is redirected or runs out of time.
func TestBlockingXRead(t *testing.T) {
	r := newRig(t)
	r.run(`
		a XREAD BLOCK -1 STREAMS b $ => -ERR timeout is negative
		a XREAD BLOCK 300 STREAMS b $ =>
		advance 200
		a <=
		advance 200
		a <= *-1
		a XREAD COUNT 1 BLOCK 0 STREAMS b $ =>
		d CLUSTER DELSLOTS 3300 => +OK
		advance 100
		a <= -CLUSTERDOWN Hash slot not served
	`)
}

func TestNewMasterEndsWaits(t *testing.T) {
	r := newRig(t)
	r.run(`
		a BLPOP b 0 =>
		c WAIT 1 0 =>
	`)
	r.e.Perform(cluster.Follow{Host: "127.0.0.1", Port: 1})
	const end = "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
	r.run("a <= " + end + "\nc <= " + end)
	for _, name := range []string{"a", "c"} {
		if !r.clients[name].Closing() {
			t.Errorf("client %s stays connected", name)
		}
	}
}

func TestReplicationCommandsRefused(t *testing.T) {
	r := newRig(t)
	r.run(`
		a FAILOVER TO h 1 => -ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.
		a PSYNC ? -1 FAILOVER => -ERR PSYNC FAILOVER can't be sent to a master.
	`)
}

func TestOutOfMemory(t *testing.T) {
	r := newRig(t)
	r.run(`
		a SET b 1 => +OK
		a CONFIG SET maxmemory 1 => +OK
		a SET b 2 => -OOM command not allowed when used memory > 'maxmemory'.
		a DEL b => :1
		a CONFIG SET maxmemory-policy allkeys-lru => +OK
		a SET b 3 => +OK
		a CONFIG SET maxmemory-policy noeviction maxmemory 0 => +OK
		a SET b 4 => +OK
	`)
}

func TestInternalConnection(t *testing.T) {
	r := newRig(t)
	secret := r.e.Cluster.Secret()
	r.run(`
		a AUTH "internal connection" ` + secret.String() + `x => -WRONGPASS invalid internal password
		a CLUSTER SYNCSLOTS CONF CAPA x => -ERR CLUSTER SYNCSLOTS subcommands are only allowed for internal clients
		c AUTH "internal connection" ` + secret.String() + ` => +OK
		c ACL WHOAMI => $-1
		c CLUSTER SYNCSLOTS CONF CAPA x => +OK
	`)
}
