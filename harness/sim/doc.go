// Package sim runs whole clusters of the bundled node's core on a virtual clock and an in-memory
// network, and checks invariants of the protocol after every step.
//
// A run is made by its [Schedule]: how the cluster is set up, a seed, and the faults that befall
// it. The seed is the only source of chance, there are no goroutines, and no map is iterated where
// the order could reach an effect, so the same schedule gives the same run, byte for byte, and
// a broken invariant ([Broken]) is replayed by its schedule alone.
//
// The loop of a host reads like that of node/server: step what is there, then perform what the
// core is ready with, in the order of the fields of cluster.Ready. What is persisted survives the
// loss of power only if the core asked for Sync.
//
// It refuses to judge the core by its tables: everything that it checks is seen from outside, as
// frames that are sent, files that are written, and the views that operators get. It serves no
// client and holds no keys: of the data plane there are only replication offsets.
package sim
