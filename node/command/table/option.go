package table

import "bytes"

// Option is the word of an argument that Redis compares with strcasecmp, as it does with the words
// of options and keywords: what stands before the first NUL, with the letters A to Z made small.
// So "EX\x00y" is the option EX, and "\x00EX" is the empty word. Names of commands, subcommands,
// keys, users and directives are looked up whole instead; see Lookup.
func Option(b []byte) string {
	var buf [32]byte
	return string(lower(buf[:0], beforeNUL(b)))
}

// beforeNUL is an argument as C reads it.
func beforeNUL(b []byte) []byte {
	before, _, _ := bytes.Cut(b, []byte{0})
	return before
}

// IsOption reports whether an argument is the option of a name, as strcasecmp has it.
func IsOption(b []byte, name string) bool {
	b = beforeNUL(b)
	if len(b) != len(name) {
		return false
	}
	for i, ch := range b {
		if small(ch) != small(name[i]) {
			return false
		}
	}
	return true
}

func small(ch byte) byte {
	if 'A' <= ch && ch <= 'Z' {
		ch += 'a' - 'A'
	}
	return ch
}
