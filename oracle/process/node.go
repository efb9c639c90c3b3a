package process

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

type node struct {
	d     *Driver
	name  string
	port  *oracle.Port
	spare *oracle.Port // of the bus, where the case asks for one; else nil
	dir   string
	conf  string
	log   *oracle.LogBuffer
	// shared says that its server is one of many in a host.
	shared bool
	pace   oracle.Pace

	releasePort func()

	ops sync.Mutex // held by what changes the incarnation: start, Kill, Restart, Pause, Resume, Stop

	mu      sync.Mutex
	inc     *incarnation // nil before the first launch
	info    probe.Info
	stopped bool
}

// incarnation is one life of a node's server.
type incarnation struct {
	cmd   *exec.Cmd
	ready chan struct{} // closed when the log says so
	done  chan struct{} // closed when the process and its log have ended

	exit  func(status string) error // describes an end that nobody asked for
	ended sync.Once

	// Of a hosted one only: see host.go.
	host *host
	key  string         // by which the host knows it
	hear func(p []byte) // takes what it logs

	mu     sync.Mutex
	reaped bool  // the process number may belong to another
	wanted bool  // its end was asked for
	err    error // valid once done is closed
}

func (n *node) Name() string { return n.name }

func (n *node) Addr() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), n.port.Client())
}

func (n *node) BusAddr() netip.AddrPort {
	bus := n.port.Bus()
	if n.spare != nil {
		bus = n.spare.Client()
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), bus)
}

func (n *node) Conf() string { return n.conf }
func (n *node) Log() string  { return n.log.String() }

// Told implements oracle.Telling.
func (n *node) Told() <-chan struct{} { return n.log.Grown() }

func (n *node) ReadFile(name string) ([]byte, error) {
	path, err := filePath(n.dir, name)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.name, err)
	}
	return os.ReadFile(path)
}

func (n *node) WriteFile(name string, data []byte) error {
	path, err := filePath(n.dir, name)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.name, err)
	}
	return writeFile(path, data)
}

// current is the present incarnation, which launch has made.
func (n *node) current() *incarnation {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.inc
}

func (n *node) Done() <-chan struct{} { return n.current().done }

func (n *node) Err() error {
	inc := n.current()
	select {
	case <-inc.done:
		return inc.err
	default:
		return nil
	}
}

func (n *node) Kill() error {
	n.ops.Lock()
	defer n.ops.Unlock()
	return n.kill()
}

func (n *node) kill() error {
	inc := n.current()
	if inc == nil {
		return nil
	}
	if inc.kill() {
		return nil
	}
	return fmt.Errorf("node %s: process %d did not end within %v of SIGKILL", n.name, inc.cmd.Process.Pid, patience)
}

func (n *node) Restart(ctx context.Context) error {
	n.ops.Lock()
	defer n.ops.Unlock()
	n.mu.Lock()
	stopped := n.stopped
	n.mu.Unlock()
	if stopped {
		return fmt.Errorf("node %s: restart: the node was stopped", n.name)
	}
	if err := n.kill(); err != nil {
		return err
	}
	return n.launch(ctx)
}

// SetPace implements oracle.PacedNode. Only a node of a host has a clock to set.
func (n *node) SetPace(p oracle.Pace) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pace = p
	if n.inc != nil && n.inc.host != nil {
		n.inc.host.pace(n.inc, p)
	}
}

func (n *node) Pause() error  { return n.freeze(syscall.SIGSTOP, true) }
func (n *node) Resume() error { return n.freeze(syscall.SIGCONT, false) }

// freeze sends the signal and waits until the process's state shows it.
func (n *node) freeze(sig syscall.Signal, stopped bool) error {
	n.ops.Lock()
	defer n.ops.Unlock()
	inc := n.current()
	if inc.host != nil {
		return fmt.Errorf("node %s: %v: it was started to share a process", n.name, sig)
	}
	if !inc.signal(sig, false) {
		return fmt.Errorf("node %s: %v: the server does not run", n.name, sig)
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if is, ok := isStopped(inc.cmd.Process.Pid); !ok || is == stopped {
			return nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	return fmt.Errorf("node %s: %v had no effect", n.name, sig)
}

func (n *node) Stop() error {
	n.ops.Lock()
	defer n.ops.Unlock()
	return n.stop()
}

func (n *node) stop() error {
	n.mu.Lock()
	was := n.stopped
	n.stopped = true
	n.mu.Unlock()
	if was {
		return nil
	}
	err := n.kill()
	if n.dir != "" {
		err = errors.Join(err, n.d.run.Remove(n.dir))
	}
	n.releasePort()
	if n.spare != nil {
		n.spare.Release()
	}
	n.d.mu.Lock()
	delete(n.d.nodes, n)
	n.d.mu.Unlock()
	return err
}

// launch starts an incarnation and waits until it has proven itself.
func (n *node) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, n.d.opt.StartTimeout)
	defer cancel()
	defer context.AfterFunc(n.d.closing, cancel)()
	path, err := filePath(n.dir, confName)
	if err != nil {
		return err
	}
	if n.shared {
		inc, mark, err := n.launchHosted(path)
		if err != nil {
			return err
		}
		return n.prove(ctx, inc, mark)
	}
	words := argv(n.d.opt.Binary.Argv, path)
	mark := n.log.Mark()
	inc := &incarnation{ready: make(chan struct{}), done: make(chan struct{})}
	inc.exit = func(status string) error { return oracle.NewExitError(n.name, status, n.log.Since(mark)) }
	inc.cmd = exec.Command(words[0], words[1:]...)
	inc.cmd.Dir = n.dir
	inc.cmd.Env = n.d.opt.Binary.Env
	r, w, err := os.Pipe()
	if err != nil {
		return n.startError("start", err)
	}
	inc.cmd.Stdout, inc.cmd.Stderr = w, w
	err = spawn(inc.cmd)
	w.Close()
	if err != nil {
		r.Close()
		return n.startError("start", err)
	}
	n.mu.Lock()
	n.inc = inc
	n.mu.Unlock()
	logDone := make(chan struct{})
	go func() {
		defer close(logDone)
		defer r.Close()
		n.log.Follow(r, readyLine, inc.ready)
	}()
	go inc.reap(r, logDone)
	return n.prove(ctx, inc, mark)
}

// readyLine is what every Redis and its kin log when they accept connections.
const readyLine = "Ready to accept connections"

// prove records the process, waits until the incarnation is ready and checks that
// it is the one that answers on its port.
func (n *node) prove(ctx context.Context, inc *incarnation, mark int) error {
	if inc.host != nil {
		// The host is recorded.
	} else if err := n.d.run.Record(n.dir, inc.cmd.Process.Pid); err != nil {
		if errors.Is(err, syscall.ESRCH) || errors.Is(err, os.ErrNotExist) {
			<-inc.done // it has ended before it could be recorded
			return n.endedEarly(inc, mark)
		}
		return n.abandon(inc, "record the process", err)
	}
	info, err := n.awaitReady(ctx, inc, mark)
	if err != nil {
		return err
	}
	pids := []int{inc.cmd.Process.Pid}
	if info.PID != 0 && info.PID != pids[0] {
		// A wrapper's server is in the wrapper's process group.
		if pgid, err := syscall.Getpgid(info.PID); err != nil || pgid != pids[0] {
			return n.abandon(inc, "check identity",
				fmt.Errorf("process %d answers on port %d, not the started process %d: %w", info.PID, n.port.Client(), pids[0], errPortTaken))
		}
		if err := n.d.run.Record(n.dir, append(pids, info.PID)...); err != nil {
			return n.abandon(inc, "record the process", err)
		}
	}
	if info.Port != 0 && info.Port != n.port.Client() {
		return n.abandon(inc, "check identity", fmt.Errorf("the server says it listens on port %d, not %d", info.Port, n.port.Client()))
	}
	n.mu.Lock()
	n.info = info
	n.mu.Unlock()
	return nil
}

func (n *node) awaitReady(ctx context.Context, inc *incarnation, mark int) (probe.Info, error) {
	// A server of the user's may log nothing; then only asking shows that it is up.
	var poll <-chan time.Time
	if n.d.opt.How == oracle.Command {
		t := time.NewTicker(10 * time.Millisecond)
		defer t.Stop()
		poll = t.C
	}
	for {
		select {
		case <-inc.done:
			return probe.Info{}, n.endedEarly(inc, mark)
		case <-ctx.Done():
			return probe.Info{}, n.abandon(inc, "wait for readiness", n.tooLate(ctx))
		case <-poll:
			if info, err := probe.Ask(ctx, n.Addr()); err == nil {
				return info, nil
			}
		case <-inc.ready:
			info, err := probe.Ask(ctx, n.Addr())
			if err == nil {
				return info, nil
			}
			select {
			case <-inc.done:
				return probe.Info{}, n.endedEarly(inc, mark)
			default:
				return probe.Info{}, n.abandon(inc, "check identity", err)
			}
		}
	}
}

func (n *node) tooLate(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no line %q in its log: %w", readyLine, ctx.Err())
	}
	return ctx.Err()
}

func (n *node) endedEarly(inc *incarnation, mark int) error {
	log := n.log.Since(mark)
	cause := inc.err
	if inc.err == nil {
		cause = errors.New("stopped")
	}
	if strings.Contains(strings.ToLower(log), "address already in use") || strings.Contains(log, "Failed listening on port") {
		cause = fmt.Errorf("%w: %w", errPortTaken, cause)
	}
	return &oracle.StartError{Node: n.name, Stage: "wait for readiness", Cause: cause, Addr: n.Addr(), Bus: n.BusAddr()}
}

// abandon ends the incarnation and returns the error with the log's last lines.
func (n *node) abandon(inc *incarnation, stage string, cause error) error {
	if !inc.kill() {
		cause = fmt.Errorf("%w; process %d did not end within %v of SIGKILL", cause, inc.cmd.Process.Pid, patience)
	}
	return n.startError(stage, cause)
}

func (n *node) startError(stage string, cause error) error {
	return &oracle.StartError{Node: n.name, Stage: stage, Cause: cause, Log: oracle.LogExcerpt(n.log.String()), Addr: n.Addr(), Bus: n.BusAddr()}
}

// reap waits for the process, ends what is left of its group and says how it ended.
func (inc *incarnation) reap(r *os.File, logDone <-chan struct{}) {
	var waitErr error
	if awaitExit(inc.cmd.Process.Pid) {
		inc.mu.Lock()
		// The process is a zombie still, so the group's number is not anyone else's.
		// That nobody else is left in it is the common case, and an error.
		_ = syscall.Kill(-inc.cmd.Process.Pid, syscall.SIGKILL)
		inc.reaped = true
		inc.mu.Unlock()
		waitErr = inc.cmd.Wait()
	} else {
		waitErr = inc.cmd.Wait()
		inc.mu.Lock()
		inc.reaped = true
		inc.mu.Unlock()
	}
	// Whatever holds the log's other end now has left the group; leave it.
	_ = r.SetReadDeadline(time.Now().Add(time.Second)) // a pipe has deadlines
	<-logDone
	status := inc.cmd.ProcessState.String()
	if inc.cmd.ProcessState == nil {
		status = waitErr.Error()
	}
	inc.finish(status)
}

// finish closes the books of an incarnation that has ended.
func (inc *incarnation) finish(status string) {
	inc.ended.Do(func() {
		inc.mu.Lock()
		if !inc.wanted {
			inc.err = inc.exit(status)
		}
		inc.mu.Unlock()
		close(inc.done)
	})
}

// patience is how long an end may take: a process may be in uninterruptible sleep,
// a hosted server in a computation that nothing can interrupt.
const patience = 10 * time.Second

// kill ends the server as SIGKILL does and reports whether it has ended. A hosted one
// that will not has, as far as anyone is concerned.
func (inc *incarnation) kill() bool {
	if inc.host == nil {
		inc.signal(syscall.SIGKILL, true)
	} else {
		inc.mu.Lock()
		inc.wanted = true
		inc.mu.Unlock()
		inc.host.kill(inc)
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-inc.done:
	case <-t.C:
		if inc.host == nil {
			return false
		}
		inc.host.giveUp(inc)
	}
	return true
}

// signal reports whether the process still ran and was signalled. wanted says that
// its end is asked for.
func (inc *incarnation) signal(sig syscall.Signal, wanted bool) bool {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	if inc.reaped {
		return false
	}
	inc.wanted = inc.wanted || wanted
	return syscall.Kill(-inc.cmd.Process.Pid, sig) == nil
}
