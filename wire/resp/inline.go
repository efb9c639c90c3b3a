package resp

// SplitArgs splits a line into words as Redis splits inline commands and lines of its
// configuration file, mirroring sds.c:sdssplitargs: words stand between white space; within
// double quotes \n \r \t \b \a \xNN and \ before any other byte are escapes; within single
// quotes only \' is. A closing quote must be followed by white space or the end; ok is
// false otherwise, and when a quote is not closed. A NUL byte ends the line.
func SplitArgs(line []byte) (words [][]byte, ok bool) {
	words, _, ok = splitArgs(nil, nil, line)
	return words, ok
}

// splitArgs appends the words of line to args, and their bytes to text: no word aliases line.
func splitArgs(args [][]byte, text, line []byte) (_ [][]byte, _ []byte, ok bool) {
	first := len(args)
	// at reads as C does: the string ends with a NUL that is not part of it.
	at := func(i int) byte {
		if i < len(line) {
			return line[i]
		}
		return 0
	}
	for i := 0; ; {
		for isSpace(at(i)) {
			i++
		}
		if at(i) == 0 {
			return args, text, true
		}
		from := len(text)
		var quote byte
	word:
		for {
			c := at(i)
			switch {
			case quote == 0:
				switch c {
				case ' ', '\n', '\r', '\t', 0:
					break word
				case '"', '\'':
					quote = c
				default:
					text = append(text, c)
				}
				i++
			case c == 0:
				return args[:first], text, false
			case c == quote:
				if next := at(i + 1); next != 0 && !isSpace(next) {
					return args[:first], text, false
				}
				i++
				break word
			case c == '\\' && quote == '\'' && at(i+1) == '\'':
				text = append(text, '\'')
				i += 2
			case c == '\\' && quote == '"' && at(i+1) == 'x' && isHex(at(i+2)) && isHex(at(i+3)):
				text = append(text, unhex(at(i+2))<<4|unhex(at(i+3)))
				i += 4
			case c == '\\' && quote == '"' && at(i+1) != 0:
				text = append(text, unescape(at(i+1)))
				i += 2
			default:
				text = append(text, c)
				i++
			}
		}
		args = append(args, text[from:len(text):len(text)])
	}
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

// isSpace is isspace of the C locale.
func isSpace(c byte) bool { return c == ' ' || ('\t' <= c && c <= '\r') }

func isHex(c byte) bool {
	return ('0' <= c && c <= '9') || ('a' <= c && c <= 'f') || ('A' <= c && c <= 'F')
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
