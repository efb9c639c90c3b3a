package aof

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// part is one file of the log. Kinds are those of aof.c: b base, i increment, h history, which
// nothing reads any more.
type part struct {
	name string
	seq  int64
	kind byte
	rest string // fields that only later versions write, with a blank before each
}

type manifest []part

// parseManifest mirrors aof.c:aofLoadManifestFromFile. The error begins with the line.
func parseManifest(text string) (manifest, error) {
	var m manifest
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		p, err := parsePart(line)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
		if p.kind == 'b' && m.base() != nil {
			return nil, fmt.Errorf("%d: a second base", i+1)
		}
		m = append(m, p)
	}
	return m, nil
}

func parsePart(line string) (part, error) {
	var p part
	words := strings.Fields(line)
	if len(words) < 6 || len(words)%2 != 0 {
		return p, errForm
	}
	for i := 0; i < len(words); i += 2 {
		value := words[i+1]
		switch words[i] {
		case "file":
			if strings.ContainsRune(value, '/') {
				return p, errors.New("a file is named without directories")
			}
			p.name = value
		case "seq":
			seq, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return p, fmt.Errorf("%q is no sequence number", value)
			}
			p.seq = seq
		case "type":
			if value != "b" && value != "i" && value != "h" {
				return p, fmt.Errorf("%q is no type of a file", value)
			}
			p.kind = value[0]
		default:
			p.rest += " " + words[i] + " " + value
		}
	}
	if p.name == "" || p.seq == 0 || p.kind == 0 {
		return p, errForm
	}
	return p, nil
}

// errForm says that a line lacks what every file has.
var errForm = errors.New("want file NAME seq N type b|i|h")

func (m manifest) String() string {
	var b strings.Builder
	for _, p := range m {
		fmt.Fprintf(&b, "file %s seq %d type %c%s\n", p.name, p.seq, p.kind, p.rest)
	}
	return b.String()
}

func (m manifest) base() *part {
	for i := range m {
		if m[i].kind == 'b' {
			return &m[i]
		}
	}
	return nil
}

// live are the base and the increments, in the order of loading.
func (m manifest) live() []part {
	var out []part
	if b := m.base(); b != nil {
		out = append(out, *b)
	}
	for _, p := range m {
		if p.kind == 'i' {
			out = append(out, p)
		}
	}
	return out
}

// lastSeq is the highest number of a kind, 0 where there is none.
func (m manifest) lastSeq(kind byte) int64 {
	n := int64(0)
	for _, p := range m {
		if p.kind == kind {
			n = max(n, p.seq)
		}
	}
	return n
}
