// Package resp speaks the Redis serialisation protocol, versions 2 and 3: it reads and
// writes replies without losing a byte, reads commands exactly as a Redis server does,
// and has a text form of replies that people read in cases and diffs.
//
// It refuses what Redis never writes: streamed aggregates, integers and lengths that
// are not in their shortest form, a push inside another value. For every input b that
// parses, Append gives b back. It opens no sockets and interprets no command.
package resp

import (
	"bytes"
	"strconv"
)

// Kind tells the type of a Value. Its number is the type's first byte on the wire.
type Kind byte

// The kinds of RESP2, then those that RESP3 adds.
const (
	SimpleString Kind = '+'
	Error        Kind = '-'
	Integer      Kind = ':'
	Bulk         Kind = '$'
	Array        Kind = '*'

	Null      Kind = '_'
	Boolean   Kind = '#'
	Double    Kind = ','
	BigNumber Kind = '('
	BlobError Kind = '!'
	Verbatim  Kind = '='
	Map       Kind = '%'
	Set       Kind = '~'
	Push      Kind = '>'
)

// attribute opens a map of facts about the value that follows it. It is not a Kind:
// a Value carries its attributes in Attr.
const attribute = '|'

var kindNames = map[Kind]string{
	SimpleString: "simple string", Error: "error", Integer: "integer", Bulk: "bulk string", Array: "array",
	Null: "null", Boolean: "boolean", Double: "double", BigNumber: "big number", BlobError: "blob error",
	Verbatim: "verbatim string", Map: "map", Set: "set", Push: "push",
}

// String names the kind in the words of the protocol's specification.
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "kind " + strconv.QuoteRune(rune(k))
}

// IsAggregate reports whether values of this kind hold other values.
func (k Kind) IsAggregate() bool {
	switch k {
	case Array, Map, Set, Push:
		return true
	}
	return false
}

// Value is one reply. Which fields matter depends on Kind; all others are zero.
type Value struct {
	Kind Kind
	// Nil marks the two nulls of RESP2: Bulk is "$-1" and Array is "*-1".
	// The null of RESP3 is a Kind of its own.
	Nil bool
	// Format is the three-byte encoding name of a Verbatim, "txt" or "mkd".
	Format [3]byte
	// Str holds the bytes of a SimpleString, Error, Bulk, BlobError or Verbatim, and
	// the digits as they stand on the wire of a Double or BigNumber.
	Str []byte
	// Int is the value of an Integer, and 1 or 0 for a Boolean.
	Int int64
	// Elems are the members of an aggregate. A Map has key, value, key, value.
	Elems []Value
	// Attr are the attributes that precede the value, key, value, key, value. It is
	// nil when there are none; not nil and empty for an attribute map without entries.
	Attr []Value
}

// Float returns the number of a Double.
func (v Value) Float() (float64, error) { return strconv.ParseFloat(string(v.Str), 64) }

// Bool returns the truth of a Boolean.
func (v Value) Bool() bool { return v.Int != 0 }

// IsNull reports whether v is any of the three nulls.
func (v Value) IsNull() bool { return v.Nil || v.Kind == Null }

// IsError reports whether v is an Error or a BlobError.
func (v Value) IsError() bool { return v.Kind == Error || v.Kind == BlobError }

// Equal reports whether v and w have the same bytes on the wire.
func (v Value) Equal(w Value) bool {
	return v.Kind == w.Kind && v.Nil == w.Nil && v.Format == w.Format && v.Int == w.Int &&
		bytes.Equal(v.Str, w.Str) && equalAll(v.Elems, w.Elems) &&
		(v.Attr == nil) == (w.Attr == nil) && equalAll(v.Attr, w.Attr)
}

func equalAll(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

// Lookup returns the value of the first entry of a Map, or of an Array of alternating
// keys and values as RESP2 has it, whose key is a string equal to key.
func (v Value) Lookup(key string) (Value, bool) {
	for i := 0; i+1 < len(v.Elems); i += 2 {
		if string(v.Elems[i].Str) == key {
			return v.Elems[i+1], true
		}
	}
	return Value{}, false
}
