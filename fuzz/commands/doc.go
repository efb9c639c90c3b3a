// Package commands fuzzes what clients see: it makes streams of commands for a cluster node, sends
// them to two nodes of the same topology, and compares the replies and the state they leave.
//
// A stream follows from a seed. Its commands come from the recorded command table with its argument
// trees, so every command that Redis has is asked for its route, its arity and its keys; which commands the
// target executes it says itself. Keys are chosen by what the topology does with their slots. Replies are
// compared as raw bytes, a window of many commands at a time; only a window that differs is looked at closer.
//
// It refuses to confirm, group or save what it finds: that is package triage's, which gets complete cases. It knows
// nothing of the bundled node beyond the words of its refusal.
package commands
