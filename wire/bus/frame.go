package bus

import "encoding/binary"

// FrameLen is the length of the packet that begins with b. It is 0 while b is shorter than
// PrefixLen: more bytes are needed. The error is a [*RuleError] whose rule closes the link.
// There is no upper limit: Redis buffers whatever length is announced. The one length
// below a header that it takes is PrefixLen itself: with its eighth byte such a packet is
// whole, and is handled before its length is looked at; see [RulePrefixOnly].
// Mirrors cluster_legacy.c:clusterReadHandler, which looks when it has exactly eight bytes.
func FrameLen(b []byte) (int, error) {
	if len(b) < PrefixLen {
		return 0, nil
	}
	n := binary.BigEndian.Uint32(b[offTotLen:])
	if n == PrefixLen {
		return PrefixLen, nil
	}
	if string(b[:4]) != Signature {
		return 0, errSignature
	}
	if n < HeaderLen {
		return 0, errLengthBelowHeader
	}
	return int(n), nil
}

// CutFrame cuts the packet that b begins with from what is behind it. frame is nil, and rest all of b, while the packet is not whole,
// and with the error of [FrameLen].
func CutFrame(b []byte) (frame, rest []byte, err error) {
	n, err := FrameLen(b)
	if err != nil || n == 0 || n > len(b) {
		return nil, b, err
	}
	return b[:n:n], b[n:], nil
}

var (
	errSignature         = &RuleError{Rule: RuleSignature}
	errLengthBelowHeader = &RuleError{Rule: RuleLengthBelowHeader}
)
