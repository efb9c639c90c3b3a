package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
)

// HostedFlag is the first argument of Main in a process that is a host: it runs many
// nodes at once, as lines on its standard input say. A test harness starts and stops
// hundreds of nodes, and starting a process, its scheduler and its collector are most
// of what a short life costs. What follows the flag is ignored: it marks the process.
//
//	start KEY PACE FILE   run a node with this configuration file and pace of its clock:
//	                      "-" is the wall's, TIMES@AT=SHOWS says that it shows SHOWS at
//	                      the wall's moment AT, both in microseconds of Unix time, and
//	                      runs TIMES times as fast
//	pace KEY PACE         change that
//	kill KEY              end it as SIGKILL does: it says and saves nothing more
//
// On standard output a line "KEY text" is text of that node's log, and "KEY! CODE" says
// that it has ended, with the code a process of its own would have exited with.
//
// Nodes share nothing but the process. A panic is the end of its node alone and stands
// in that node's log as a crash; what the runtime cannot recover from ends the host,
// and so does the end of its input.
const HostedFlag = "--hosted"

// hostedGC is the GOGC of a host. Its nodes hold little and make much garbage while
// they start, so a larger heap is a fair price for fewer collections.
const hostedGC = 400

// errKilled is the cause with which the context of a killed node ends.
var errKilled = errors.New("killed")

// nodeHost is the state of a host.
type nodeHost struct {
	ctx    context.Context
	stdout io.Writer

	out sync.Mutex // held for a line of stdout

	mu    sync.Mutex
	nodes map[string]*guest
}

// guest is a node of a host.
type guest struct {
	clock *clock
	end   context.CancelCauseFunc
}

// hosted serves the lines of stdin and returns the exit code.
func hosted(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int {
	debug.SetGCPercent(hostedGC)
	h := &nodeHost{ctx: ctx, stdout: stdout, nodes: map[string]*guest{}}
	in := bufio.NewScanner(stdin)
	for in.Scan() {
		if !h.obey(in.Text()) {
			fmt.Fprintf(stderr, "slotnode: %q: want start KEY PACE FILE with a new key, pace KEY PACE, or kill KEY\n", in.Text())
			return 1
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(stderr, "slotnode: standard input:", err)
		return 1
	}
	return 0
}

// obey does what a line of input says; false if it says nothing that there is.
func (h *nodeHost) obey(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	key, rest, _ := strings.Cut(rest, " ")
	pace, file, _ := strings.Cut(rest, " ")
	switch verb {
	case "start":
		r, ok := parseRate(pace)
		return ok && file != "" && h.start(key, newClock(r), file)
	case "pace":
		r, ok := parseRate(pace)
		if ok {
			h.pace(key, r)
		}
		return ok
	case "kill":
		h.kill(key)
		return rest == ""
	}
	return false
}

// start runs a node in the background; false if one of that key runs.
func (h *nodeHost) start(key string, c *clock, file string) bool {
	ctx, cancel := context.WithCancelCause(h.ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.nodes[key] != nil {
		cancel(nil)
		return false
	}
	h.nodes[key] = &guest{clock: c, end: cancel}
	go func() {
		defer cancel(nil)
		out := &keyed{h: h, key: key}
		code := runHosted(ctx, c, file, out)
		out.flush()
		h.mu.Lock()
		delete(h.nodes, key)
		h.mu.Unlock()
		h.writeLine(fmt.Appendf(nil, "%s! %d\n", key, code))
	}()
	return true
}

// kill ends a node. That it has ended by itself in the meantime is no error.
func (h *nodeHost) kill(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.nodes[key]; g != nil {
		g.end(errKilled)
	}
}

// pace changes the pace of a node's clock. That the node has ended by itself in the
// meantime is no error.
func (h *nodeHost) pace(key string, r rate) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.nodes[key]; g != nil {
		g.clock.set(r)
	}
}

// runHosted is Main for a node of a host.
func runHosted(ctx context.Context, c *clock, file string, out io.Writer) (code int) {
	defer func() { // Run reports what happens while the node runs; this is its start
		if p := recover(); p != nil {
			fmt.Fprintf(out, "panic: %v\n%s", p, debug.Stack())
			code = 2
		}
	}()
	cfg, path, err := loadConfig([]string{file})
	if err != nil {
		return configError(out, err)
	}
	err = run(ctx, cfg, path, out, c)
	if errors.Is(err, errKilled) {
		return 128 + 9
	}
	return exitCode(out, err)
}

func (h *nodeHost) writeLine(b []byte) {
	h.out.Lock()
	defer h.out.Unlock()
	_, _ = h.stdout.Write(b) // who does not listen is about to end the host
}

// keyed writes lines to the host's output, each after the node's key.
type keyed struct {
	h   *nodeHost
	key string

	mu   sync.Mutex
	line []byte // the key and what came of a line so far
}

func (k *keyed) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for rest := p; len(rest) > 0; {
		if len(k.line) == 0 {
			k.line = append(append(k.line, k.key...), ' ')
		}
		i := bytes.IndexByte(rest, '\n') + 1
		if i == 0 {
			k.line = append(k.line, rest...)
			break
		}
		k.line = append(k.line, rest[:i]...)
		k.h.writeLine(k.line)
		k.line, rest = k.line[:0], rest[i:]
	}
	return len(p), nil
}

// flush ends a line that was begun.
func (k *keyed) flush() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.line) > 0 {
		k.h.writeLine(append(k.line, '\n'))
		k.line = nil
	}
}

func exitCode(stderr io.Writer, err error) int {
	if err != nil {
		fmt.Fprintln(stderr, "slotnode:", err)
		return 1
	}
	return 0
}
