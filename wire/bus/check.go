package bus

import (
	"bytes"
	"encoding/binary"
)

// NoFilter is the drop filter of [CheckFiltered] that drops nothing.
const NoFilter = -1

// Check judges one raw frame as Redis does before it asks who sent it, in Redis's order: framing
// first, then the sanity part of cluster_legacy.c:clusterProcessPacket. Where Redis would read
// beyond the frame, the verdict names an unsafe rule and is what a safe node does instead.
// It allocates nothing. A frame that is accepted also parses.
func Check(frame []byte) Verdict { return CheckFiltered(frame, NoFilter) }

// CheckFiltered is [Check] with the packet type that DEBUG CLUSTERDROPPACKETFILTER names, or
// NoFilter.
func CheckFiltered(frame []byte, drop int) Verdict {
	r := check(frame, drop)
	return Verdict{Action: r.Action(), Rule: r}
}

func check(frame []byte, drop int) Rule {
	n, err := FrameLen(frame)
	if err != nil {
		return err.(*RuleError).Rule
	}
	if len(frame) < PrefixLen || n != len(frame) {
		return RuleFrameLength
	}
	if n == PrefixLen {
		return RulePrefixOnly
	}
	if binary.BigEndian.Uint16(frame[offVer:]) != Version {
		return RuleVersion
	}
	t := Type(binary.BigEndian.Uint16(frame[offType:]))
	if int(t) == drop {
		return RuleDebugDrop
	}
	body := frame[HeaderLen:]
	switch t {
	case TypePing, TypePong, TypeMeet:
		return checkPing(frame)
	case TypeFail:
		return checkLen(body, failLen)
	case TypePublish, TypePublishShard:
		return checkPublish(body)
	case TypeAuthRequest, TypeAuthAck, TypeMFStart:
		return checkLen(body, 0)
	case TypeUpdate:
		return checkLen(body, updateLen)
	case TypeModule:
		return checkModule(body)
	default:
		return RuleUnknownType
	}
}

func checkLen(body []byte, want int) Rule {
	if len(body) != want {
		return RuleLengthMismatch
	}
	return RuleNone
}

func checkPublish(body []byte) Rule {
	if len(body) < publishHeaderLen {
		return RulePublishShort
	}
	c := binary.BigEndian.Uint32(body[offPublishChannelLen:])
	m := binary.BigEndian.Uint32(body[offPublishMessageLen:])
	n := uint32(len(body) - publishHeaderLen)
	switch {
	case c+m != n: // in 32 bits, as Redis adds
		return RuleLengthMismatch
	case uint64(c)+uint64(m) != uint64(n):
		return RulePublishLengthWraps
	}
	return RuleNone
}

func checkModule(body []byte) Rule {
	if len(body) < offModuleType {
		return RuleModuleShort
	}
	n := binary.BigEndian.Uint32(body[offModuleLen:])
	switch {
	case moduleHeaderLen+n != uint32(len(body)): // in 32 bits, as Redis adds
		return RuleLengthMismatch
	case len(body) < moduleHeaderLen:
		return RuleModuleLengthWraps
	}
	return RuleNone
}

// checkPing walks the extensions as Redis does: as many as are announced, if the flag is set. Redis adds up the
// low 16 bits of their lengths.
func checkPing(frame []byte) Rule {
	be := binary.BigEndian
	want := HeaderLen + GossipLen*int(be.Uint16(frame[offCount:]))
	n := int(be.Uint16(frame[offExtensions:]))
	if frame[offMFlags]&MFlagExtData == 0 {
		switch {
		case len(frame) != want:
			return RuleLengthMismatch
		case n > 0:
			return RuleExtWithoutFlag
		}
		return RuleNone
	}
	at := want
	for i := range n {
		if len(frame)-at < 4 {
			return RuleExtOutOfBounds
		}
		size := int(be.Uint16(frame[at+2:])) // low half of the length
		switch {
		case size%ExtAlign != 0:
			return RuleExtPadding
		case len(frame)-at < size:
			return RuleExtExceedsPacket
		case be.Uint16(frame[at:]) != 0 && i < n-1:
			return RuleExtLengthWide
		case size == 0: // the walk stands still, so the sum can only be right at the very end
			return RuleLengthMismatch
		}
		at += size
	}
	if at != len(frame) {
		return RuleLengthMismatch
	}
	return checkExtPayloads(frame[want:])
}

// checkExtPayloads judges what clusterProcessPingExtensions reads of each extension. The lengths
// are known to be right.
func checkExtPayloads(exts []byte) Rule {
	be := binary.BigEndian
	for len(exts) > 0 {
		rest := exts[ExtHeaderLen:]
		switch ExtType(be.Uint16(exts[4:])) {
		case ExtHostname, ExtNodename:
			if bytes.IndexByte(rest, 0) < 0 {
				return RuleExtTextUnterminated
			}
		case ExtForgotten:
			if len(rest) < forgottenLen {
				return RuleExtShort
			}
		case ExtShardID, ExtSecret:
			if len(rest) < IDLen {
				return RuleExtShort
			}
		}
		exts = exts[be.Uint16(exts[2:]):]
	}
	return RuleNone
}
