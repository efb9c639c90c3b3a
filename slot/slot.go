// Package slot says where a key lives in a Redis Cluster: the CRC16 that hashes it,
// the hash-tag rule, and sets of the 16384 slots with their text and wire forms.
//
// It is a leaf: it knows nothing of nodes, packets or sockets, and it refuses
// any range that leaves 0..16383 rather than clamp it.
package slot

import "bytes"

// Count is the number of slots of a cluster. Slots are numbered 0..Count-1.
const Count = 16384

// Of returns the slot of key, mirroring cluster.h:keyHashSlot: only the bytes
// between the first '{' and the first '}' after it are hashed, unless there is
// no such pair or nothing stands between the two.
func Of(key []byte) uint16 {
	return CRC16(HashTag(key)) % Count
}

// HashTag returns the part of key that is hashed: the hash tag, or all of key
// when it has none. The result aliases key.
func HashTag(key []byte) []byte {
	_, after, ok := bytes.Cut(key, []byte{'{'})
	if !ok {
		return key
	}
	tag := after
	end := bytes.IndexByte(tag, '}')
	if end <= 0 {
		return key
	}
	return tag[:end]
}
