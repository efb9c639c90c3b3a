package cause

import (
	"regexp"
	"strings"
)

var (
	assertion = regexp.MustCompile(`==> (\S+?):\d+ '(.*)' is not true`)
	guru      = regexp.MustCompile(`==> (.*) at (\S+?):\d+`)
	frame     = regexp.MustCompile(`^\S*(?:redis-server|valkey-server)\S*?\((\w+)\+0x[0-9a-f]+\)`)
	goPanic   = regexp.MustCompile(`(?m)^(?:panic|fatal error): (.*)$`)
	goFrame   = regexp.MustCompile(`(?m)^(\S*/slotdiff/\S+)\(`)
	signal    = regexp.MustCompile(`crashed by signal: (\d+)`)
)

// handlers are functions of the crash report's own, which stand on top of a stack.
var handlers = map[string]bool{"sigsegvHandler": true, "logStackTrace": true, "_serverAssert": true, "_serverPanic": true}

// Crash names a crash by its report: the failed assertion, or the two innermost functions of the thread
// that crashed. Empty: the log has no report.
func Crash(log string) string {
	if m := assertion.FindStringSubmatch(log); m != nil {
		return "assertion " + m[1] + " " + m[2]
	}
	if m := guru.FindStringSubmatch(log); m != nil {
		return "panic " + m[2] + " " + Fold(m[1])
	}
	if m := goPanic.FindStringSubmatch(log); m != nil {
		out := "panic " + Fold(m[1])
		if f := goFrame.FindStringSubmatch(log); f != nil {
			out += " in " + f[1][strings.LastIndexByte(f[1], '/')+1:]
		}
		return out
	}
	frames := crashedStack(log)
	if len(frames) == 0 {
		return ""
	}
	what := "crash"
	if m := signal.FindStringSubmatch(log); m != nil {
		what = "signal " + m[1]
	}
	return what + " in " + strings.Join(frames[:min(2, len(frames))], " < ")
}

// crashedStack lists the named functions of the thread that the report marks with a star, innermost first; of
// the whole report if it marks none.
func crashedStack(log string) []string {
	_, report, ok := strings.Cut(log, "STACK TRACE")
	if !ok {
		return nil
	}
	report, _, _ = strings.Cut(report, "STACK TRACE DONE")
	marked := false
	var out, all []string
	for line := range strings.Lines(report) {
		line = strings.TrimRight(line, "\r\n")
		switch m := frame.FindStringSubmatch(line); {
		case m != nil && !handlers[m[1]]:
			if all = append(all, m[1]); marked {
				out = append(out, m[1])
			}
		case strings.HasSuffix(line, " *"):
			marked = true
		case line == "" && marked && len(out) > 0:
			return out
		}
	}
	if out == nil {
		return all
	}
	return out
}
