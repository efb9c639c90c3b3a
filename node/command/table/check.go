package table

import (
	"bytes"
	"fmt"
	"strings"
)

// maxEcho is how many bytes of a client's word an error repeats.
const maxEcho = 128

// Unknown returns the error text (without code) for an argv that Lookup did not
// find. Mirrors server.c:commandCheckExistence.
func Unknown(argv [][]byte) string {
	var buf [32]byte
	var text string
	if base := byName[string(lower(buf[:0], argv[0]))]; base != nil {
		name := strings.ToUpper(string(argv[0]))
		text = fmt.Sprintf("unknown subcommand '%s'. Try %s HELP.", cString(argv[1], maxEcho), name)
	} else {
		text = fmt.Sprintf("unknown command '%s'", cString(argv[0], maxEcho))
		if len(argv) >= 2 {
			var args strings.Builder
			for _, a := range argv[1:] {
				if args.Len() >= maxEcho {
					break
				}
				fmt.Fprintf(&args, "'%s' ", cString(a, maxEcho-args.Len()))
			}
			text += ", with args beginning with: " + args.String()
		}
	}
	return NoNewlines(text)
}

// cString returns s as printf %.*s shows it: up to max bytes, ended by a NUL.
func cString(s []byte, max int) string {
	if len(s) > max {
		s = s[:max]
	}
	if i := bytes.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return string(s)
}

// NoNewlines replaces CR and LF by spaces, as every error reply does.
func NoNewlines(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}

// ArityOK reports whether argc (with the name) suits the command.
// Mirrors server.c:commandCheckArity.
func (c *Command) ArityOK(argc int) bool {
	return !(c.Arity > 0 && c.Arity != argc || argc < -c.Arity)
}

// WrongArity returns the error text (without code) of a wrong argument count.
func (c *Command) WrongArity() string {
	return fmt.Sprintf("wrong number of arguments for '%s' command", c.Name)
}
