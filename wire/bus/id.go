package bus

import "bytes"

// ID is a node id, a shard id or an internal secret: 40 bytes, normally lower-case hex
// digits without a NUL. All zero means none. Any bytes can arrive.
type ID [IDLen]byte

// IDFrom makes an ID of s, cut or padded with NUL to 40 bytes.
func IDFrom(s string) (id ID) {
	copy(id[:], s)
	return id
}

// IsZero reports whether id is all NUL bytes, the wire's word for "none".
func (id ID) IsZero() bool { return id == ID{} }

// Valid reports whether Redis accepts id in a gossip entry: 40 characters of 0-9 and a-z,
// not only hex digits. Mirrors cluster.c:verifyClusterNodeId.
func (id ID) Valid() bool {
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// String is the 40 bytes as they are; see the packet text form for a form that is always printable.
func (id ID) String() string { return string(id[:]) }

// IP is an address field: text, padded with NUL. All zero in a header means "use the
// address the packet came from". Redis never checks that it ends with a NUL.
type IP [IPLen]byte

// IPFrom makes an IP of s, cut or padded with NUL to 46 bytes.
func IPFrom(s string) (ip IP) {
	copy(ip[:], s)
	return ip
}

// IsZero reports whether ip is all NUL bytes.
func (ip IP) IsZero() bool { return ip == IP{} }

// Terminated reports whether ip has a NUL. Redis copies the field of a gossip entry whole
// and prints it as a C string, so an unterminated one makes it read past the field later.
func (ip IP) Terminated() bool { return bytes.IndexByte(ip[:], 0) >= 0 }

// String is the text up to the first NUL.
func (ip IP) String() string {
	if n := bytes.IndexByte(ip[:], 0); n >= 0 {
		return string(ip[:n])
	}
	return string(ip[:])
}
