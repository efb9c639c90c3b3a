// Package bus fuzzes the cluster bus: it makes episodes of packets from seeds, plays each live on real Redis
// and on the target with the same bytes, and hands over what differs as a case.
//
// An episode begins with a node that knows nothing, meets some puppets, and then gets packets that are
// mutated by structure: every header field, gossip entry and extension, by senders of every standing. While it
// is made and played, a twin follows: the bundled node's core, in process. The twin says how many answers
// to wait for, so that nothing ever sleeps; which inputs leave what Redis defines, so that they are kept out of
// comparison; and which rules and transitions were reached, which steers generation.
//
// Ports and the node's own id differ from run to run, so an episode is made of canonical frames that
// name them by fixed values; what is sent has the real ones. Equal seeds give equal canonical frames.
//
// It refuses to say why two sides differ: package triage plays, reduces and groups what is found.
package bus
