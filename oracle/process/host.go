package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
)

// Hosting says that a program can be several servers one after another, in one
// process, which saves starting one for each. The process is told on its standard
// input what to do: "start FILE" and "stop", and prints the Idle line when a stopped
// server has ended. A server that ends by itself ends the process.
type Hosting struct {
	Argv []string // program and arguments that make it a host
	Idle string   // the line, without its end
}

// host is a process that serves one node after another.
//
// Invariant: a host is in the driver's idle list, or is the host of exactly one
// incarnation that has not ended, or is gone.
type host struct {
	cmd *exec.Cmd
	in  io.WriteCloser

	mu   sync.Mutex
	inc  *incarnation   // whose server it is; nil while idle
	sink *io.PipeWriter // to that node's log
	gone bool
}

// hostFor takes an idle host or starts one.
func (d *Driver) hostFor() (*host, error) {
	for {
		h := d.takeIdle()
		if h == nil {
			break
		}
		if h.lives() {
			return h, nil
		}
	}
	argv := d.opt.Hosting.Argv
	h := &host{cmd: exec.Command(argv[0], argv[1:]...)}
	h.cmd.Env = d.opt.Binary.Env
	h.cmd.Dir = os.TempDir()
	in, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	h.in = in
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	h.cmd.Stdout, h.cmd.Stderr = w, w
	err = spawn(h.cmd)
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	d.mu.Lock()
	d.hosts[h] = struct{}{}
	d.mu.Unlock()
	d.attending.Go(func() { d.attend(h, r) })
	return h, nil
}

func (d *Driver) takeIdle() *host {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.idle)
	if n == 0 {
		return nil
	}
	h := d.idle[n-1]
	d.idle = d.idle[:n-1]
	return h
}

func (h *host) lives() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.gone
}

// attend passes a host's output to the log of the node it is, until it ends.
func (d *Driver) attend(h *host, r *os.File) {
	defer r.Close()
	idle := d.opt.Hosting.Idle + "\n"
	out := bufio.NewReader(r)
	for {
		line, err := out.ReadString('\n')
		h.mu.Lock()
		switch {
		case line == idle && h.inc != nil:
			inc := h.inc
			h.inc = nil
			h.sink.Close()
			h.mu.Unlock()
			inc.endOnce(nil)
		case h.sink != nil && line != "":
			sink := h.sink
			h.mu.Unlock()
			_, _ = io.WriteString(sink, line) // fails only when the log's reader has given up
		default:
			h.mu.Unlock()
		}
		if err != nil {
			break
		}
	}
	if awaitExit(h.cmd.Process.Pid) {
		h.mu.Lock()
		if h.inc != nil {
			h.inc.mu.Lock()
			h.inc.reaped = true // before the process number can be another's
			h.inc.mu.Unlock()
		}
		h.mu.Unlock()
	}
	waitErr := h.cmd.Wait()
	h.mu.Lock()
	inc, sink := h.inc, h.sink
	h.inc, h.gone = nil, true
	h.mu.Unlock()
	d.mu.Lock()
	delete(d.hosts, h)
	d.mu.Unlock()
	if sink != nil {
		sink.Close()
	}
	if inc != nil {
		status := h.cmd.ProcessState.String()
		if h.cmd.ProcessState == nil {
			status = waitErr.Error()
		}
		inc.endOnce(&status)
	}
}

// become makes an idle host the server of an incarnation.
func (h *host) become(inc *incarnation, sink *io.PipeWriter, conf string) error {
	h.mu.Lock()
	if h.gone {
		h.mu.Unlock()
		return errors.New("the host process has ended")
	}
	h.inc, h.sink = inc, sink
	h.mu.Unlock()
	_, err := fmt.Fprintf(h.in, "start %s\n", conf)
	return err
}

// letGo ends the server and keeps the process for another. It reports whether it
// did so in time.
func (h *host) letGo(inc *incarnation) bool {
	inc.mu.Lock()
	inc.wanted = true
	inc.mu.Unlock()
	if _, err := io.WriteString(h.in, "stop\n"); err != nil {
		return false
	}
	const patience = 2 * time.Second
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-inc.done:
	case <-t.C:
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.gone
}

// endOnce ends a hosted incarnation. status is how its process ended, nil if it lives on.
func (inc *incarnation) endOnce(status *string) {
	inc.ending.Do(func() { inc.end(status) })
}

// launchHosted makes a host the node's server.
func (n *node) launchHosted(conf string) (inc *incarnation, mark int, err error) {
	h, err := n.d.hostFor()
	if err != nil {
		return nil, 0, n.startError("start", err)
	}
	r, w := io.Pipe()
	mark = n.log.Mark()
	inc = &incarnation{cmd: h.cmd, host: h, ready: make(chan struct{}), done: make(chan struct{})}
	logDone := make(chan struct{})
	go func() {
		defer close(logDone)
		n.log.Follow(r, readyLine, inc.ready)
	}()
	inc.end = func(status *string) {
		<-logDone
		inc.mu.Lock()
		inc.reaped = true // the process is no longer this server's
		if status != nil && !inc.wanted {
			inc.err = oracle.NewExitError(n.name, *status, n.log.Since(mark))
		}
		inc.mu.Unlock()
		close(inc.done)
	}
	n.mu.Lock()
	n.inc = inc
	n.mu.Unlock()
	if err := h.become(inc, w, conf); err != nil {
		// The process has just ended. Where it had become this server's, attend sees to the end.
		w.Close()
		if !h.lives() {
			inc.endOnce(nil)
		}
		return nil, 0, n.startError("start", err)
	}
	return inc, mark, nil
}

// endHosts ends every host and waits for it. No node is left by then.
func (d *Driver) endHosts() {
	d.mu.Lock()
	var left []*host
	for h := range d.hosts {
		left = append(left, h)
	}
	d.idle = nil
	d.mu.Unlock()
	for _, h := range left {
		h.in.Close()
		_ = h.cmd.Process.Kill() // it may have ended by itself
	}
	d.attending.Wait()
}
