package cause

import (
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/harness/runner"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// part is a command of a transaction whose part of EXEC's answer differs. It is named as it is outside of one: a smaller
// case may show the same without, and where none does the trigger says so.
type part struct {
	name      string // of the command
	want, got []string
	multi     int // line of the step that began the transaction
}

// pointAt finds the first such part. It is nil where the step is no EXEC, where a side refused it, or where what was
// queued is not all known.
func pointAt(c *scenario.Case, res *verdict.Result, step *verdict.Step, want, got []string) *part {
	exec := find(c, step)
	if exec == nil || runner.Describe(c, exec) != "EXEC" {
		return nil
	}
	ws, gs := elements(want), elements(got)
	queue, multi := queued(c, res, exec)
	if len(ws) != len(queue) || len(gs) != len(queue) {
		return nil
	}
	for i, st := range queue {
		if !slices.Equal(ws[i], gs[i]) {
			return &part{runner.Describe(c, st), ws[i], gs[i], multi}
		}
	}
	return nil
}

// queued lists the steps that the connection of an EXEC has queued since its MULTI, and the line of that.
func queued(c *scenario.Case, res *verdict.Result, exec *scenario.Step) (queue []*scenario.Step, multi int) {
	for i := range res.Steps {
		st := find(c, &res.Steps[i])
		switch {
		case st == nil || st.Actor != exec.Actor:
		case st == exec:
			return queue, multi
		case answered(&res.Steps[i], "+QUEUED"):
			queue = append(queue, st)
		case runner.Describe(c, st) == "MULTI" && answered(&res.Steps[i], "+OK"):
			queue, multi = nil, st.Line
		}
	}
	return queue, multi
}

// answered reports whether both sides answered with that one line, or the side that was asked.
func answered(step *verdict.Step, line string) bool {
	for _, a := range []*verdict.Answer{step.Oracle, step.Target} {
		if a != nil && (len(a.Lines) != 1 || a.Lines[0] != line) {
			return false
		}
	}
	return true
}

// elements splits the text form of an array into those of its elements, each as if it stood alone; nil for all else.
func elements(lines []string) [][]string {
	if len(lines) == 0 || lineClass(lines[0]) != "array" {
		return nil
	}
	var out [][]string
	for _, l := range lines[1:] {
		l, ok := strings.CutPrefix(l, indent)
		if !ok {
			return nil
		}
		if n := len(out); n > 0 && (strings.HasPrefix(l, indent) || strings.HasPrefix(l, "|")) {
			out[n-1] = append(out[n-1], l)
			continue
		}
		out = append(out, []string{l})
	}
	return out
}

// indent is how far the text form (resp.Text) sets an element in.
const indent = "  "
