package oracle

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// LogBuffer keeps a server's log in memory. Beyond 2 MiB its middle is dropped.
// The zero LogBuffer is empty and ready; it is safe for concurrent use.
type LogBuffer struct {
	mu      sync.Mutex
	head    []byte
	tail    []byte
	dropped int
	grown   chan struct{} // closed by the next Append; nil while nobody waits for it
}

const (
	logHead = 1 << 20
	logTail = 1 << 20
)

// Append appends to the log.
func (l *LogBuffer) Append(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	rest := p
	if room := logHead - len(l.head); room > 0 {
		k := min(room, len(rest))
		l.head = append(l.head, rest[:k]...)
		rest = rest[k:]
	}
	l.tail = append(l.tail, rest...)
	// Cut in large pieces, so that a write's cost is its length on average.
	if over := len(l.tail) - logTail; over > logTail/2 {
		l.tail = append(l.tail[:0], l.tail[over:]...)
		l.dropped += over
	}
}

// Grown returns a channel that is closed when the log next grows.
func (l *LogBuffer) Grown() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown == nil {
		l.grown = make(chan struct{})
	}
	return l.grown
}

// String is the log, with a line in place of what was dropped.
func (l *LogBuffer) String() string { return l.Since(0) }

// Mark is the present length of the log, for Since.
func (l *LogBuffer) Mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.head) + l.dropped + len(l.tail)
}

// Since is the log from a mark on.
func (l *LogBuffer) Since(mark int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	if mark < len(l.head) {
		b.Write(l.head[mark:])
	}
	at := max(mark-len(l.head), 0)
	if at < l.dropped {
		b.WriteString("\n... part of the log was dropped ...\n")
	}
	b.Write(l.tail[min(max(at-l.dropped, 0), len(l.tail)):])
	return b.String()
}

// Listen returns what appends to the log, and closes seen when a line holds the text
// want for the first time. One goroutine at a time may call it.
func (l *LogBuffer) Listen(want string, seen chan<- struct{}) func(p []byte) {
	var recent []byte // what may hold the beginning of want
	found := false
	return func(p []byte) {
		l.Append(p)
		if found {
			return
		}
		recent = append(recent, p...)
		if bytes.Contains(recent, []byte(want)) {
			found = true
			close(seen)
		}
		recent = recent[max(0, len(recent)-len(want)):]
	}
}

// Follow copies r into the log until r ends or fails; see Listen.
func (l *LogBuffer) Follow(r io.Reader, want string, seen chan<- struct{}) {
	hear := l.Listen(want, seen)
	buf := make([]byte, 4<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			hear(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// crashMarks are what Redis, Valkey and a Go program log when they crash.
var crashMarks = []string{
	"BUG REPORT START", "ASSERTION FAILED", "crashed by signal", "Guru Meditation", "panic: ", "fatal error: ", "SIGABRT: abort",
}

// Crashed reports whether the log tells of a crash or a failed assertion.
func Crashed(log string) bool {
	for _, m := range crashMarks {
		if strings.Contains(log, m) {
			return true
		}
	}
	return false
}

// LogExcerpt is what a person wants of a log to see why a server ended: the first
// lines of a crash report, else the last lines.
func LogExcerpt(log string) string {
	const want = 15
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	if Crashed(log) {
		for i, line := range lines {
			if Crashed(line) {
				return strings.Join(lines[i:min(i+want, len(lines))], "\n")
			}
		}
	}
	return strings.Join(lines[max(0, len(lines)-want):], "\n")
}

// NewExitError describes an end that nobody asked for. log is the incarnation's.
func NewExitError(node, status, log string) *ExitError {
	crashed := Crashed(log) || strings.HasPrefix(status, "signal: segmentation") ||
		strings.HasPrefix(status, "signal: aborted") || strings.HasPrefix(status, "signal: bus error")
	return &ExitError{Node: node, Status: status, Crashed: crashed, Log: LogExcerpt(log)}
}
