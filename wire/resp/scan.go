package resp

import (
	"bytes"
	"fmt"
	"math"
)

// Limits bound what a reader accepts from the other side. Zero means the default.
type Limits struct {
	MaxBulk  int // bytes of one bulk payload; default 512 MiB, as proto-max-bulk-len
	MaxLine  int // bytes of one line without its CRLF; default 64 KiB
	MaxElems int // members of one aggregate (a map entry counts two); default 1<<20
	MaxDepth int // aggregates inside one another; default 256
}

func (l Limits) withDefaults() Limits {
	if l.MaxBulk == 0 {
		l.MaxBulk = 512 << 20
	}
	if l.MaxLine == 0 {
		l.MaxLine = 64 << 10
	}
	if l.MaxElems == 0 {
		l.MaxElems = 1 << 20
	}
	if l.MaxDepth == 0 {
		l.MaxDepth = 256
	}
	return l
}

// element is one value's first line and, where it has one, its payload.
type element struct {
	kind  byte
	isNil bool
	line  []byte // what follows the kind byte
	body  []byte // payload of a bulk, blob error or verbatim
	n     int64  // an integer's value, or the number of values inside an aggregate
	size  int    // bytes in all
}

// parseElement reads the element at the start of b. Its error is nil, ErrIncomplete or
// a *FormatError whose offset counts from the start of b.
func parseElement(b []byte, lim *Limits) (e element, err error) {
	if len(b) == 0 {
		return e, ErrIncomplete
	}
	e.kind = b[0]
	switch Kind(e.kind) {
	case SimpleString, Error, Integer, Bulk, Array, Null, Boolean, Double, BigNumber,
		BlobError, Verbatim, Map, Set, Push, attribute:
	case ';', '.':
		return element{}, &FormatError{0, "a streamed value, which Redis never sends"}
	default:
		return element{}, &FormatError{0, fmt.Sprintf("no type begins with %q", b[:1])}
	}
	if e.line, err = parseLine(b, lim); err != nil {
		return element{}, err
	}
	e.size = 1 + len(e.line) + 2
	if reason := e.parseHead(lim); reason != "" {
		return element{}, &FormatError{1, reason}
	}
	switch Kind(e.kind) {
	case Bulk, BlobError, Verbatim:
		if e.isNil {
			return e, nil
		}
		if err := e.parseBody(b); err != nil {
			return element{}, err
		}
	}
	return e, nil
}

// parseLine returns what stands between b[0] and the first CRLF.
func parseLine(b []byte, lim *Limits) ([]byte, error) {
	rest := b[1:]
	if i := bytes.IndexByte(rest, '\r'); i >= 0 {
		if bad := bytes.IndexByte(rest[:i], '\n'); bad >= 0 {
			return nil, &FormatError{int64(1 + bad), `\n without \r before it`}
		}
		if i > lim.MaxLine {
			return nil, &FormatError{0, fmt.Sprintf("a line of over %d bytes", lim.MaxLine)}
		}
		if i+1 == len(rest) {
			return nil, ErrIncomplete
		}
		if rest[i+1] != '\n' {
			return nil, &FormatError{int64(1 + i), `\r without \n after it`}
		}
		return rest[:i], nil
	}
	if bad := bytes.IndexByte(rest, '\n'); bad >= 0 {
		return nil, &FormatError{int64(1 + bad), `\n without \r before it`}
	}
	if len(rest) > lim.MaxLine {
		return nil, &FormatError{0, fmt.Sprintf("a line of over %d bytes", lim.MaxLine)}
	}
	return nil, ErrIncomplete
}

// parseHead reads the first line by the element's kind, and returns what is wrong with it.
func (e *element) parseHead(lim *Limits) (reason string) {
	switch Kind(e.kind) {
	case SimpleString, Error:
		return ""
	case Null:
		if len(e.line) != 0 {
			return "a null is followed by its line end"
		}
	case Boolean:
		if len(e.line) != 1 || (e.line[0] != 't' && e.line[0] != 'f') {
			return "a boolean is t or f"
		}
		if e.line[0] == 't' {
			e.n = 1
		}
	case Double:
		if !isDouble(e.line) {
			return fmt.Sprintf("%.40q is not a double", e.line)
		}
	case BigNumber:
		if !isBigNumber(e.line) {
			return fmt.Sprintf("%.40q is not a big number", e.line)
		}
	case Integer:
		n, ok := parseInt(e.line)
		if !ok {
			return fmt.Sprintf("%.40q is not an integer in its shortest form", e.line)
		}
		e.n = n
	default:
		return e.parseLength(lim)
	}
	return ""
}

func (e *element) parseLength(lim *Limits) (reason string) {
	if string(e.line) == "?" {
		return "a streamed value, which Redis never sends"
	}
	if string(e.line) == "-1" && (Kind(e.kind) == Bulk || Kind(e.kind) == Array) {
		e.isNil = true
		return ""
	}
	n, ok := parseInt(e.line)
	if !ok || n < 0 {
		return fmt.Sprintf("%.40q is not a length", e.line)
	}
	switch Kind(e.kind) {
	case Bulk, BlobError, Verbatim:
		if n > int64(lim.MaxBulk) {
			return fmt.Sprintf("%d bytes are over the limit of %d", n, lim.MaxBulk)
		}
		if Kind(e.kind) == Verbatim && n < 4 {
			return fmt.Sprintf("a verbatim string of %d bytes has no room for its format", n)
		}
		e.n = n
	default:
		if n > int64(lim.MaxElems) {
			return fmt.Sprintf("%d members are over the limit of %d", n, lim.MaxElems)
		}
		if Kind(e.kind) == Map || e.kind == attribute {
			if n *= 2; n > int64(lim.MaxElems) {
				return fmt.Sprintf("%d members are over the limit of %d", n, lim.MaxElems)
			}
		}
		e.n = n
	}
	return ""
}

func (e *element) parseBody(b []byte) error {
	start := e.size
	rest := b[start:]
	n := int(e.n)
	if Kind(e.kind) == Verbatim && len(rest) > 3 && rest[3] != ':' {
		return &FormatError{int64(start + 3), "a verbatim string has ':' after its three format bytes"}
	}
	for i, want := range []byte("\r\n") {
		if len(rest) > n+i && rest[n+i] != want {
			return &FormatError{int64(start + n + i), "a payload is not followed by its line end"}
		}
	}
	if len(rest) < n+2 {
		return ErrIncomplete
	}
	e.body = rest[:n]
	e.size += n + 2
	return nil
}

// parseInt reads a signed decimal number in the one form that Redis writes it.
func parseInt(b []byte) (n int64, ok bool) {
	digits := b
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || (digits[0] == '0' && (len(digits) > 1 || negative)) {
		return 0, false
	}
	var u uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	switch {
	case negative && u <= 1<<63:
		return -int64(u), true
	case !negative && u <= math.MaxInt64:
		return int64(u), true
	}
	return 0, false
}

// isDouble reports whether b is inf, -inf, nan, -nan, or [-]digits[.digits][e[+-]digits].
func isDouble(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("-"))
	if string(b) == "inf" || string(b) == "nan" {
		return true
	}
	var ok bool
	if b, ok = trimDigits(b); !ok {
		return false
	}
	if len(b) > 0 && b[0] == '.' {
		if b, ok = trimDigits(b[1:]); !ok {
			return false
		}
	}
	if len(b) > 0 && b[0] == 'e' {
		b = b[1:]
		if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		if b, ok = trimDigits(b); !ok {
			return false
		}
	}
	return len(b) == 0
}

func isBigNumber(b []byte) bool {
	rest, ok := trimDigits(bytes.TrimPrefix(b, []byte("-")))
	return ok && len(rest) == 0
}

// trimDigits cuts the decimal digits from the start of b; ok says that there were some.
func trimDigits(b []byte) (rest []byte, ok bool) {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return b[i:], i > 0
}

// Scanner finds where one value ends without building it, and remembers how far it got:
// a value that arrives in many pieces is looked at once. The zero value is ready and
// has the default limits.
type Scanner struct {
	Limits Limits

	pos  int     // bytes of the value that are whole elements
	open []int64 // values still missing in each aggregate around pos, outermost first
	attr bool    // the last element was the end of an attribute map
}

// Scan looks at b, the bytes of one value from its first on, of which the caller may
// append more between calls. It returns the length of the value once all of it is in b;
// ErrIncomplete when more is needed; a *FormatError with an offset in b when no value
// begins like this. After a length or a *FormatError it is ready for another value.
func (s *Scanner) Scan(b []byte) (n int, err error) {
	lim := s.Limits.withDefaults()
	for {
		e, err := parseElement(b[s.pos:], &lim)
		if err != nil {
			if f, ok := err.(*FormatError); ok {
				f.Offset += int64(s.pos)
				s.reset()
			}
			return 0, err
		}
		if reason := s.push(&e, &lim); reason != "" {
			err := &FormatError{int64(s.pos), reason}
			s.reset()
			return 0, err
		}
		s.pos += e.size
		if len(s.open) == 0 && !s.attr {
			n = s.pos
			s.reset()
			return n, nil
		}
	}
}

func (s *Scanner) reset() { s.pos, s.open, s.attr = 0, s.open[:0], false }

// Counts in Scanner.open: a positive count is an aggregate's missing members. An attribute
// map is counted negatively, because its end completes no value: one still has to follow.
func (s *Scanner) push(e *element, lim *Limits) (reason string) {
	if Kind(e.kind) == Push && (len(s.open) > 0 || s.attr) {
		return "a push inside another value"
	}
	if e.kind == attribute && s.attr {
		return "attributes of attributes"
	}
	s.attr = false
	switch Kind(e.kind) {
	case Array, Map, Set, Push, attribute:
		if len(s.open) == lim.MaxDepth {
			return fmt.Sprintf("over %d values inside one another", lim.MaxDepth)
		}
		switch {
		case e.kind == attribute && e.n == 0:
			s.attr = true
			return ""
		case e.kind == attribute:
			s.open = append(s.open, -e.n)
			return ""
		case e.n > 0:
			s.open = append(s.open, e.n)
			return ""
		}
	}
	s.complete()
	return ""
}

// complete counts a finished value in the aggregate around it, and so on outwards.
func (s *Scanner) complete() {
	for len(s.open) > 0 {
		top := &s.open[len(s.open)-1]
		if *top < 0 {
			if *top++; *top < 0 {
				return
			}
			s.open = s.open[:len(s.open)-1]
			s.attr = true
			return
		}
		if *top--; *top > 0 {
			return
		}
		s.open = s.open[:len(s.open)-1]
	}
}
