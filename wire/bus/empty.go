package bus

// Empty is the body of FAILOVER_AUTH_REQUEST, FAILOVER_AUTH_ACK and MFSTART, whose
// whole message is in the header.
type Empty struct{}

func (*Empty) size() int { return 0 }

func (*Empty) append(b []byte) []byte { return b }

func (*Empty) reset() {}

func (*Empty) seal(h *Header) { sealPlain(h) }

func (*Empty) decode(_ *Header, b []byte) *FormatError {
	if len(b) > 0 {
		return trailing(HeaderLen, len(b))
	}
	return nil
}

// sealPlain clears the counts of a packet that has neither gossip nor extensions.
func sealPlain(h *Header) { h.Count, h.Extensions = 0, 0 }
