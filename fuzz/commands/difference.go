package commands

import (
	"fmt"
	"strings"

	"github.com/slotdiff/slotdiff/fuzz/cause"
)

// difference is where the sides part.
type difference struct {
	window  int // index in player.played, and the command in it; -1: not by a command of the stream
	command int
	id      uint16
	fault   fault
	side    int // whose fault it is, where it is not a plain difference
	what    string
	answers [2]string // as text, folded
	after   []op      // questions behind the stream that show it
	// harmless: both sides hold the same data and connections in spite of it.
	harmless bool
}

// fault is the kind of a difference.
type fault uint8

const (
	faultDiffers fault = iota
	faultCrash
	faultHang
	faultInvariant
)

// cause tells differences of one fault from others, as package cause does.
func (d *difference) cause() string {
	return fmt.Sprintf("%d %d %s: %s", d.fault, d.side, d.what, cause.Difference(strings.Split(d.answers[theOracle], "\n"), strings.Split(d.answers[theTarget], "\n")))
}

// missing reports whether an answer in text form says that the server does not have the command.
func missing(text string) bool {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "-"), `"`)
	if strings.HasPrefix(text, "ERR unknown subcommand or wrong number of arguments") {
		return false
	}
	return strings.HasPrefix(text, "ERR unknown command") || strings.HasPrefix(text, "ERR unknown subcommand")
}

// note is one line for people.
func (d *difference) note() string {
	switch d.fault {
	case faultCrash:
		return d.what + ": crash"
	case faultHang:
		return d.what + ": hang"
	case faultInvariant:
		return d.what
	}
	o, t := parting(d.answers[theOracle], d.answers[theTarget])
	return fmt.Sprintf("%s: %s, not %s", d.what, oneLine(t), oneLine(o))
}

// parting is the first line of either text that the other does not have in its place.
func parting(a, b string) (fromA, fromB string) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return as[i], bs[i]
		}
	}
	return a, b
}

func oneLine(s string) string {
	s = strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", " ")
	if len(s) > 160 {
		s = s[:160] + "..."
	}
	return s
}
