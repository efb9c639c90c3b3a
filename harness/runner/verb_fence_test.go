package runner

import (
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// What is wrong with a fence is said before anything is started, with the place.
func TestFenceErrors(t *testing.T) {
	const actors = "node a\n----\nok\n\npuppet p\n----\nok\n\n"
	for words, want := range map[string]string{
		"p fence within=1s":                `test/case.case:19: p fence: want one node, have 0 words`,
		"p fence a p within=1s":            `test/case.case:19: p fence: want one node, have 2 words`,
		"p fence b within=1s":              `test/case.case:19: p fence: no node "b" is started by this case`,
		"p fence p within=1s":              `test/case.case:19: p fence: no node "p" is started by this case`,
		"p fence a":                        `test/case.case:19: p fence: within= is missing`,
		"p fence a within=0s":              `test/case.case:19: p fence: within=0s: not a positive duration`,
		"p fence a within=1s link=x link=": `test/case.case:19: p fence: link= is given twice`,
	} {
		err := Check(parseCase(t, actors+words+"\n----\nok\n"))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", words, err, want)
		}
	}
	if err := Check(parseCase(t, actors+"p fence a within=1s link=two\n----\nok\n")); err != nil {
		t.Error(err)
	}
}

// As many packets go out as may not have been counted yet, and one more.
func TestFenceCountsItsType(t *testing.T) {
	var a actor
	frame := make([]byte, bus.HeaderLen)
	for _, typ := range []bus.Type{bus.TypePing, bus.TypeMFStart} {
		frame[13] = byte(typ)
		a.sent("", frame, 2)
		a.sent("two", frame, 3)
		a.sent("two", frame[:100], 4) // no packet yet
	}
	if a.uncounted["out"] != 2 || a.uncounted["two"] != 3 {
		t.Errorf("%v", a.uncounted)
	}
}
