package server

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/node/cluster"
)

// logger writes lines in the format of redis-server:
// "pid:M 02 Jan 2006 15:04:05.000 * text".
type logger struct {
	mu    sync.Mutex
	w     io.Writer
	close func() error
	least cluster.Level
	role  byte // 'M' master, 'S' replica
}

// newLogger writes to the file, or to w if it is empty.
func newLogger(file string, w io.Writer, least cluster.Level) (*logger, error) {
	l := &logger{w: w, least: least, role: 'M', close: func() error { return nil }}
	if file != "" {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, fmt.Errorf("can't open the log file: %w", err)
		}
		l.w, l.close = f, f.Close
	}
	return l, nil
}

// Log writes one line; line breaks in text would forge others and are escaped.
func (l *logger) Log(level cluster.Level, text string) {
	if strings.ContainsAny(text, "\r\n") {
		text = strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(text)
	}
	l.write(level, text)
}

// write is Log for text that comes from nobody outside: its line breaks stay.
func (l *logger) write(level cluster.Level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if level < l.least {
		return
	}
	fmt.Fprintf(l.w, "%d:%c %s %c %s\n", pid, l.role, time.Now().Format("02 Jan 2006 15:04:05.000"), ".-*#"[level], text)
}

// pid is the process number: asking for it is a system call, and every log line has it.
var pid = os.Getpid()

func (l *logger) notice(format string, args ...any) {
	l.Log(cluster.LevelNotice, fmt.Sprintf(format, args...))
}

func (l *logger) warning(format string, args ...any) {
	l.Log(cluster.LevelWarning, fmt.Sprintf(format, args...))
}

func (l *logger) setReplica(replica bool) {
	l.mu.Lock()
	l.role = 'M'
	if replica {
		l.role = 'S'
	}
	l.mu.Unlock()
}

func (l *logger) setLevel(least cluster.Level) {
	l.mu.Lock()
	l.least = least
	l.mu.Unlock()
}
