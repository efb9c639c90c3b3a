package scenario

import (
	"fmt"
	"strings"
)

// Word is one word of a step: literal bytes and references, in order. Quoting
// is gone; the formatter puts back what is needed.
type Word struct {
	// Parts make up the word. An empty list is the empty word "".
	Parts []Part
	// Pipe is true for the bare word |, which has no parts.
	Pipe bool
}

// Part is a literal or a reference. Ref is the zero value for a literal.
type Part struct {
	Lit string
	Ref Ref
}

// Ref is $name.field, a value that the runner knows: $a.port, $p.id.
type Ref struct {
	Name  string
	Field string
}

// IsZero reports whether r refers to nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// String returns the reference as it is written in a case.
func (r Ref) String() string { return "$" + r.Name + "." + r.Field }

// Lit makes a word of literal bytes.
func Lit(s string) Word {
	if s == "" {
		return Word{}
	}
	return Word{Parts: []Part{{Lit: s}}}
}

// Words makes words of literal bytes.
func Words(ss ...string) []Word {
	out := make([]Word, len(ss))
	for i, s := range ss {
		out[i] = Lit(s)
	}
	return out
}

// Literal returns the bytes of a word that has no reference and is no pipe.
func (w Word) Literal() (string, bool) {
	if w.Pipe {
		return "", false
	}
	var b strings.Builder
	for _, p := range w.Parts {
		if !p.Ref.IsZero() {
			return "", false
		}
		b.WriteString(p.Lit)
	}
	return b.String(), true
}

// KeyValue splits key=value at the first "=" of the leading literal. ok is
// false when there is none or the key would be empty.
func (w Word) KeyValue() (key string, value Word, ok bool) {
	if len(w.Parts) == 0 || !w.Parts[0].Ref.IsZero() {
		return "", Word{}, false
	}
	key, rest, found := strings.Cut(w.Parts[0].Lit, "=")
	if !found || key == "" {
		return "", Word{}, false
	}
	if rest != "" {
		value.Parts = append(value.Parts, Part{Lit: rest})
	}
	value.Parts = append(value.Parts, w.Parts[1:]...)
	return key, value, true
}

// Expand returns the bytes of the word with every reference replaced by what
// lookup gives for it. The first error of lookup is returned as it is.
func (w Word) Expand(lookup func(Ref) (string, error)) (string, error) {
	if w.Pipe {
		return "|", nil
	}
	var b strings.Builder
	for _, p := range w.Parts {
		if p.Ref.IsZero() {
			b.WriteString(p.Lit)
			continue
		}
		v, err := lookup(p.Ref)
		if err != nil {
			return "", err
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

// SplitPipe splits words at the pipe word. Without a pipe fields is nil.
func SplitPipe(words []Word) (before []Word, fields []string) {
	for i, w := range words {
		if !w.Pipe {
			continue
		}
		fields = make([]string, 0, len(words)-i-1)
		for _, f := range words[i+1:] {
			fields = append(fields, f.String())
		}
		return words[:i], fields
	}
	return words, nil
}

// String returns the word as the formatter writes it.
func (w Word) String() string { return string(appendWord(nil, w)) }

// ParseWords splits a line into words as the first line of a step is split:
// blanks separate, "..." takes \xNN \n \r \t \a \b escapes and any other
// escaped byte for itself, '...' is raw but for \', a bare # starts a comment.
// $name.field is a reference outside of '...' and so is ${name.field}; \$ inside
// of "..." is a dollar. It returns the comment without "# ".
//
// Errors name the column: they have type *Error with Line zero.
func ParseWords(line string) (words []Word, comment string, err error) {
	return splitWords(line, 0)
}

// ExpandText replaces every $name.field and ${name.field} in a line of free
// text (an input line of a packet). A dollar that starts no reference stays.
func ExpandText(line string, lookup func(Ref) (string, error)) (string, error) {
	var b strings.Builder
	for i := 0; i < len(line); {
		ref, n := parseRef(line[i:])
		if n == 0 {
			b.WriteByte(line[i])
			i++
			continue
		}
		v, err := lookup(ref)
		if err != nil {
			return "", fmt.Errorf("column %d: %w", i+1, err)
		}
		b.WriteString(v)
		i += n
	}
	return b.String(), nil
}
