// Package cluster is the core of a Redis Cluster node: who is in the cluster, who owns which
// slot, who is failing, whether the cluster is up, and where a command must go.
//
// It is a deterministic state machine. The whole input alphabet is [Event], given to [Node.Step]
// with the time; the whole output is [Ready], drained by [Node.Ready] and performed by a driver in
// the order of its fields. The same events give the same effects, because the core has no clock, no
// socket, no file, no lock, no log and no chance of its own: [Config.Rand] is the only source of it.
//
// A driver is a loop of this shape:
//
//	for {
//		wait until an event or until NextTick
//		n.Step(now, event)          // once for each event that is there
//		rd := n.Ready()             // also runs what Redis defers to beforeSleep
//		persist, perform data operations, close, dial, send, answer: in this order
//	}
//
// What the core does with a packet follows cluster_legacy.c of Redis 8.6.3 step by step, and each
// block names the function that it mirrors. Where real Redis would read out of bounds, loop for ever
// or corrupt its own table, the core ignores the offending entry and says so in a log record that
// begins with the name of the rule ([Unsafe]).
//
// It refuses to hold keys: facts of the keyspace come in with requests and [Report], effects on
// it go out as [DataOp]. It refuses to know sockets: links are numbers, and frames are bytes.
package cluster
