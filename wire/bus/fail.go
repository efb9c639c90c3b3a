package bus

// Fail is the body of FAIL: the sender knows that a majority of masters cannot reach a node.
type Fail struct {
	About ID
}

func (*Fail) size() int { return failLen }

func (f *Fail) append(b []byte) []byte { return append(b, f.About[:]...) }

func (f *Fail) reset() { *f = Fail{} }

func (*Fail) seal(h *Header) { sealPlain(h) }

func (f *Fail) decode(_ *Header, b []byte) *FormatError {
	if len(b) < failLen {
		return short("about", HeaderLen, len(b), failLen)
	}
	if len(b) > failLen {
		return trailing(HeaderLen+failLen, len(b)-failLen)
	}
	f.About = ID(b)
	return nil
}
