package bus

// Unknown is the body of a packet whose type Redis 8.6 does not have. Its length is whatever
// the header says.
type Unknown struct {
	Raw []byte
}

func (u *Unknown) size() int { return len(u.Raw) }

func (u *Unknown) append(b []byte) []byte { return append(b, u.Raw...) }

func (u *Unknown) reset() { *u = Unknown{} }

// seal leaves the counts alone: nobody knows what they mean here.
func (*Unknown) seal(*Header) {}

func (u *Unknown) decode(_ *Header, b []byte) *FormatError {
	u.Raw = b
	return nil
}
