package bus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// splitWords cuts a line at spaces and tabs that are not between double quotes. Quotes and escapes stay.
func splitWords(line string) ([]string, error) {
	var words []string
	start, quoted := -1, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted:
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
			continue
		case c == ' ' || c == '\t':
			if start >= 0 {
				words = append(words, line[start:i])
				start = -1
			}
			continue
		case c == '"':
			quoted = true
		}
		if start < 0 {
			start = i
		}
	}
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	if start >= 0 {
		words = append(words, line[start:])
	}
	return words, nil
}

// cutWord splits key=value; ok is false for a word that has no key, e.g. a quoted text.
func cutWord(word string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(word, "=")
	if !ok || key == "" || strings.ContainsAny(key, `"\`) {
		return "", "", false
	}
	return key, value, true
}

// appendQuoted writes b between double quotes: printable ASCII as it is, the rest escaped. The dollar
// sign is escaped too, because cases give it a meaning.
func appendQuoted(dst, b []byte) []byte {
	dst = append(dst, '"')
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '$' || c < ' ' || c > '~':
			dst = append(dst, '\\', 'x', hexDigit(c>>4), hexDigit(c&15))
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func hexDigit(n byte) byte { return "0123456789abcdef"[n] }

// parseText reads a quoted text, or a bare word as it is.
func parseText(s string) ([]byte, error) {
	if !strings.HasPrefix(s, `"`) {
		if strings.ContainsAny(s, `"\`) {
			return nil, fmt.Errorf("%s has a quote or a backslash and must be quoted whole", s)
		}
		return []byte(s), nil
	}
	text, err := strconv.Unquote(s)
	if err != nil {
		return nil, fmt.Errorf("%s is not a quoted text", s)
	}
	return []byte(text), nil
}

// appendFixed writes a field of fixed length that is padded with NUL: "-" if it is all NUL, bare if
// it is an ordinary word, quoted otherwise.
func appendFixed(dst, field []byte) []byte {
	text := bytes.TrimRight(field, "\x00")
	switch {
	case len(text) == 0:
		return append(dst, '-')
	case isBare(text):
		return append(dst, text...)
	}
	return appendQuoted(dst, text)
}

// isBare reports whether text stands for itself as a word.
func isBare(text []byte) bool {
	if string(text) == "-" {
		return false
	}
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == ':', c == '-', c == '_', c == '%':
		default:
			return false
		}
	}
	return true
}

// parseFixed reads what appendFixed writes into field.
func parseFixed(field []byte, s string) error {
	clear(field)
	if s == "-" {
		return nil
	}
	text, err := parseText(s)
	if err != nil {
		return err
	}
	if len(text) > len(field) {
		return fmt.Errorf("%d bytes do not fit in %d", len(text), len(field))
	}
	copy(field, text)
	return nil
}

// parseHex reads hex digits into field, which they must fill.
func parseHex(field []byte, s string) error {
	b, err := decodeHex(s)
	if err != nil {
		return err
	}
	if len(b) != len(field) {
		return fmt.Errorf("%d bytes of hex, want %d", len(b), len(field))
	}
	copy(field, b)
	return nil
}

// decodeHex reads any number of bytes; "-" is none.
func decodeHex(s string) ([]byte, error) {
	if s == "-" {
		return nil, nil
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%q is not hex", s)
	}
	return b, nil
}
