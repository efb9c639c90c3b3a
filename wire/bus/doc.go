// Package bus is the codec of the Redis Cluster bus: the binary packets that
// cluster nodes exchange on their bus ports.
//
// It knows three layers and keeps them apart, as Redis does:
//
//   - framing ([FrameLen]): where a packet ends; a violation costs the sender its link.
//   - packet sanity ([Check]): what Redis validates on the raw bytes, in its order,
//     before it looks at who sent them; a violation costs only the packet.
//   - layout ([Parse], [Decoder], [Packet.Append]): bytes to fields and back, without loss.
//
// [Packet.MarshalText] gives the form that people read in cases and transcripts, and
// [Build] makes the packets, right or deliberately wrong, that a test sends.
//
// It refuses to know what a packet means: who the sender is, whether its claims are
// believed, and what is answered are the business of a node. It opens no connection and
// keeps no state between packets.
package bus
