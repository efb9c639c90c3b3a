package scenario

import (
	"bytes"
	"fmt"
	"strings"
)

// headerColumn is where header values start: after the longest key, its colon
// and a blank.
const headerColumn = 10

// Format writes a case in canonical form: the comment, the header in the order
// of [HeaderKeys] with its values in one column, then sections and steps with a
// blank line between any two. Parse(Format(c)) gives c back, and Format(Parse(x))
// is x for every x that Format wrote.
func Format(c *Case) []byte {
	var b bytes.Buffer
	for _, l := range c.Comments {
		writeComment(&b, l)
	}
	if len(c.Comments) > 0 {
		b.WriteByte('\n')
	}
	for _, k := range headerKeys {
		if v := k.get(&c.Header); v != "" {
			fmt.Fprintf(&b, "%-*s%s\n", headerColumn, k.name+":", v)
		}
	}
	for i := range c.Sections {
		sec := &c.Sections[i]
		if sec.Title != "" {
			b.WriteByte('\n')
			writeComment(&b, sec.Title)
			for _, n := range sec.Notes {
				writeComment(&b, n)
			}
		}
		for j := range sec.Steps {
			b.WriteByte('\n')
			writeStep(&b, &sec.Steps[j])
		}
	}
	return b.Bytes()
}

// Text returns the first line of the step and its input lines, as formatted,
// without a final line end.
func (s *Step) Text() string {
	var b bytes.Buffer
	writeFirst(&b, s)
	for _, l := range s.Input {
		b.WriteString("\n" + l)
	}
	return b.String()
}

func writeComment(b *bytes.Buffer, text string) {
	b.WriteString(strings.TrimRight("# "+text, " \t") + "\n")
}

func writeStep(b *bytes.Buffer, s *Step) {
	writeFirst(b, s)
	if s.Comment != "" {
		b.WriteString("    # " + s.Comment)
	}
	b.WriteByte('\n')
	for _, l := range s.Input {
		b.WriteString(l + "\n")
	}
	b.WriteString(separator + "\n")
	for _, l := range s.Expect {
		b.WriteString(l + "\n")
	}
}

func writeFirst(b *bytes.Buffer, s *Step) {
	for _, c := range s.Conds {
		b.WriteString(c.String() + " ")
	}
	b.WriteString(s.Actor)
	for _, w := range s.Words {
		b.WriteByte(' ')
		b.Write(appendWord(nil, w))
	}
}
