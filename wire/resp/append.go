package resp

import "strconv"

// Append appends v as it stands on the wire.
//
// It panics on a Value that has no wire form: an unknown Kind, a Map with a key
// that has no value, a line break in a SimpleString, Error, Double or BigNumber.
func (v Value) Append(b []byte) []byte {
	if v.Attr != nil {
		b = appendAll(AppendAttribute(b, pairs(v.Attr)), v.Attr)
	}
	switch v.Kind {
	case SimpleString, Error, Double, BigNumber:
		return appendLine(append(b, byte(v.Kind)), v.Str)
	case Integer:
		return AppendInt(b, v.Int)
	case Boolean:
		return AppendBool(b, v.Int != 0)
	case Null:
		return AppendNull(b)
	case Bulk:
		if v.Nil {
			return AppendNilBulk(b)
		}
		return AppendBulk(b, v.Str)
	case BlobError:
		return appendBlob(b, byte(BlobError), v.Str)
	case Verbatim:
		return AppendVerbatim(b, v.Format, v.Str)
	case Array:
		if v.Nil {
			return AppendNilArray(b)
		}
		return appendAll(AppendArray(b, len(v.Elems)), v.Elems)
	case Set:
		return appendAll(AppendSet(b, len(v.Elems)), v.Elems)
	case Push:
		return appendAll(AppendPush(b, len(v.Elems)), v.Elems)
	case Map:
		return appendAll(AppendMap(b, pairs(v.Elems)), v.Elems)
	}
	panic("resp: " + v.Kind.String() + " has no wire form")
}

func pairs(vs []Value) int {
	if len(vs)%2 != 0 {
		panic("resp: a map holds a key without a value")
	}
	return len(vs) / 2
}

func appendAll(b []byte, vs []Value) []byte {
	for i := range vs {
		b = vs[i].Append(b)
	}
	return b
}

func appendLine(b, line []byte) []byte {
	for _, c := range line {
		if c == '\r' || c == '\n' {
			panic("resp: a line break inside a one-line value")
		}
	}
	return append(append(b, line...), '\r', '\n')
}

func appendHeader(b []byte, kind byte, n int64) []byte {
	b = append(b, kind)
	b = strconv.AppendInt(b, n, 10)
	return append(b, '\r', '\n')
}

func appendBlob(b []byte, kind byte, payload []byte) []byte {
	b = appendHeader(b, kind, int64(len(payload)))
	b = append(b, payload...)
	return append(b, '\r', '\n')
}

// AppendSimple appends the simple string "+s". It panics when s has a line break.
func AppendSimple(b []byte, s string) []byte {
	return appendLine(append(b, byte(SimpleString)), []byte(s))
}

// AppendError appends the error "-text"; text begins with its code, "ERR no such key".
// Mirrors networking.c:addReplyErrorLength and afterErrorReply's callers: a line break at
// the end of text is dropped and any other becomes a space, since an error is one line.
func AppendError(b []byte, text string) []byte {
	for len(text) > 0 && (text[len(text)-1] == '\r' || text[len(text)-1] == '\n') {
		text = text[:len(text)-1]
	}
	b = append(b, byte(Error))
	for i := range len(text) {
		c := text[i]
		if c == '\r' || c == '\n' {
			c = ' '
		}
		b = append(b, c)
	}
	return append(b, '\r', '\n')
}

// AppendInt appends the integer ":n".
func AppendInt(b []byte, n int64) []byte { return appendHeader(b, byte(Integer), n) }

// AppendBulk appends the bulk string p.
func AppendBulk(b, p []byte) []byte { return appendBlob(b, byte(Bulk), p) }

// AppendBulkString appends the bulk string s.
func AppendBulkString(b []byte, s string) []byte {
	b = appendHeader(b, byte(Bulk), int64(len(s)))
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendNilBulk appends the missing string of RESP2, "$-1".
func AppendNilBulk(b []byte) []byte { return append(b, "$-1\r\n"...) }

// AppendNilArray appends the missing array of RESP2, "*-1".
func AppendNilArray(b []byte) []byte { return append(b, "*-1\r\n"...) }

// AppendNull appends the null of RESP3, "_".
func AppendNull(b []byte) []byte { return append(b, "_\r\n"...) }

// AppendBool appends a boolean of RESP3, "#t" or "#f".
func AppendBool(b []byte, t bool) []byte {
	if t {
		return append(b, "#t\r\n"...)
	}
	return append(b, "#f\r\n"...)
}

// AppendDouble appends a double of RESP3 with the digits of FormatDouble.
func AppendDouble(b []byte, f float64) []byte {
	b = FormatDouble(append(b, byte(Double)), f)
	return append(b, '\r', '\n')
}

// AppendBigNumber appends the decimal digits of a big number. It panics when
// they hold a line break.
func AppendBigNumber(b []byte, digits string) []byte {
	return appendLine(append(b, byte(BigNumber)), []byte(digits))
}

// AppendBlobError appends an error that may hold any byte.
func AppendBlobError(b, p []byte) []byte { return appendBlob(b, byte(BlobError), p) }

// AppendVerbatim appends text as a verbatim string in the given format.
func AppendVerbatim(b []byte, format [3]byte, text []byte) []byte {
	b = appendHeader(b, byte(Verbatim), int64(len(text))+4)
	b = append(b, format[:]...)
	b = append(b, ':')
	b = append(b, text...)
	return append(b, '\r', '\n')
}

// AppendArray appends the header of an array of n values, which the caller appends after it.
func AppendArray(b []byte, n int) []byte { return appendHeader(b, byte(Array), int64(n)) }

// AppendSet appends the header of a set of n values.
func AppendSet(b []byte, n int) []byte { return appendHeader(b, byte(Set), int64(n)) }

// AppendPush appends the header of a push of n values.
func AppendPush(b []byte, n int) []byte { return appendHeader(b, byte(Push), int64(n)) }

// AppendMap appends the header of a map of n entries, of two values each.
func AppendMap(b []byte, n int) []byte { return appendHeader(b, byte(Map), int64(n)) }

// AppendAttribute appends the header of n attributes, of two values each. The value
// that they describe follows them.
func AppendAttribute(b []byte, n int) []byte { return appendHeader(b, attribute, int64(n)) }

// AppendCommand appends a command as a client sends it, an array of bulk strings.
func AppendCommand(b []byte, args ...[]byte) []byte {
	b = AppendArray(b, len(args))
	for _, arg := range args {
		b = AppendBulk(b, arg)
	}
	return b
}

// AppendCommandStrings is AppendCommand for arguments that are strings.
func AppendCommandStrings(b []byte, args ...string) []byte {
	b = AppendArray(b, len(args))
	for _, arg := range args {
		b = AppendBulkString(b, arg)
	}
	return b
}
