package runner

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/slotdiff/slotdiff/oracle"
)

// refusal is the answer of a server that ended at its start: with the directive it
// ended at, where it says so, else with the last message of its log. A directive that it does not know is something that it
// lacks; only the bundled node must know all that Redis knows.
func refusal(id oracle.Identity, log string) output {
	out := output{kind: "start", lines: []string{"refused to start"}}
	lines := splitLines(strings.TrimSpace(log))
	for i, l := range lines {
		at, ok := strings.CutPrefix(logMessage(l), ">>> '")
		if !ok {
			continue
		}
		at = strings.TrimSuffix(at, "'")
		out.lines[0] += " at " + at
		if i+1 < len(lines) && unknownDirective.MatchString(logMessage(lines[i+1])) && id.How != oracle.Bundled {
			name, _, _ := strings.Cut(at, " ")
			out.lacks = fmt.Sprintf("the directive %s, which %s (%s) does not have", name, id.Short(), id.How)
		}
		return out
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if logStamp.MatchString(lines[i]) {
			out.lines = append(out.lines, logMessage(lines[i]))
			break
		}
	}
	return out
}

// unknownDirective is what Redis up to 7, Valkey and Redis 8 say of a directive that
// they do not know.
var unknownDirective = regexp.MustCompile("^(Bad directive or wrong number of arguments|Module Configuration detected without loadmodule)")

// logStamp is what precedes a message in a log: process, role, time and level.
var logStamp = regexp.MustCompile(`^\d+:[A-Z] \d+ \w+ \d{4} [0-9:.]+ [.\-*#] `)

func logMessage(line string) string { return strings.TrimSpace(logStamp.ReplaceAllString(line, "")) }
