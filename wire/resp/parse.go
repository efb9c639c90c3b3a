package resp

// Parse reads the value at the start of b with the default limits, and returns it with
// its length in bytes. The value aliases b. The error is ErrIncomplete or a *FormatError;
// with either the value is zero and n is 0.
func Parse(b []byte) (v Value, n int, err error) { return ParseLimited(b, Limits{}) }

// ParseLimited is Parse with limits of the caller's own.
func ParseLimited(b []byte, lim Limits) (v Value, n int, err error) {
	s := Scanner{Limits: lim}
	if n, err = s.Scan(b); err != nil {
		return Value{}, 0, err
	}
	p := builder{rest: b[:n], lim: lim.withDefaults()}
	return p.value(), n, nil
}

// builder builds the value of bytes that a Scanner has found to be one whole value.
type builder struct {
	rest []byte
	lim  Limits
}

func (p *builder) value() Value {
	e := p.next()
	var v Value
	if e.kind == attribute {
		v.Attr = p.values(e.n)
		e = p.next()
	}
	v.Kind, v.Nil = Kind(e.kind), e.isNil
	switch v.Kind {
	case SimpleString, Error, Double, BigNumber:
		v.Str = e.line
	case Bulk, BlobError:
		v.Str = e.body
	case Verbatim:
		v.Format = [3]byte(e.body)
		v.Str = e.body[4:]
	case Integer, Boolean:
		v.Int = e.n
	case Array, Map, Set, Push:
		if !v.Nil {
			v.Elems = p.values(e.n)
		}
	}
	return v
}

func (p *builder) values(n int64) []Value {
	vs := make([]Value, n)
	for i := range vs {
		vs[i] = p.value()
	}
	return vs
}

func (p *builder) next() element {
	e, err := parseElement(p.rest, &p.lim)
	if err != nil {
		panic("resp: the scanner passed a value that does not parse: " + err.Error())
	}
	p.rest = p.rest[e.size:]
	return e
}
