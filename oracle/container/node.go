package container

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

type node struct {
	d     *Driver
	name  string
	port  *oracle.Port
	spare *oracle.Port // of the bus, where the case asks for one; else nil
	lent  bool         // the ports are the caller's, who may give them to another server
	conf  string
	box   *box // set by start, which alone changes it

	releasePort func()

	ops sync.Mutex // held by what changes the server's life: start, Kill, Restart, Pause, Resume, Stop

	mu      sync.Mutex
	wanted  bool // the server's end was asked for
	paused  bool
	stopped bool
	done    <-chan struct{} // of the present server
	lastLog string          // once stopped
	mark    int             // length of the log at the present start
}

// start tries several ports: that one is taken by a stranger between being
// reserved and being bound is no failure of the node.
func (d *Driver) start(ctx context.Context, spec oracle.NodeSpec) (*node, error) {
	if err := oracle.CheckDirectives(spec.Directives); err != nil {
		return nil, &oracle.StartError{Node: spec.Name, Stage: "write configuration", Cause: err}
	}
	ctx, cancel := context.WithTimeout(ctx, d.opt.StartTimeout)
	defer cancel()
	defer context.AfterFunc(d.closing, cancel)()
	const tries = 5
	var err error
	for range tries {
		var n *node
		n, err = d.startOnce(ctx, spec)
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, errPortTaken) || oracle.SetsPlace(spec.Directives) {
			break
		}
	}
	return nil, err
}

var errPortTaken = errors.New("another process has the port")

func (d *Driver) startOnce(ctx context.Context, spec oracle.NodeSpec) (_ *node, err error) {
	stage := "reserve ports"
	port, release, err := spec.Ports()
	if err != nil {
		return nil, &oracle.StartError{Node: spec.Name, Stage: stage, Cause: err}
	}
	n := &node{d: d, name: spec.Name, port: port, releasePort: release, lent: spec.Port != nil}
	n.ops.Lock()
	defer n.ops.Unlock()
	d.mu.Lock()
	d.nodes[n] = struct{}{}
	d.mu.Unlock()
	defer func() {
		if err == nil {
			return
		}
		if _, ok := errors.AsType[*oracle.StartError](err); !ok {
			err = &oracle.StartError{Node: spec.Name, Stage: stage, Cause: err}
		}
		if stopErr := n.stop(false); stopErr != nil {
			err = errors.Join(err, stopErr)
		}
	}()
	if d.closing.Err() != nil {
		return nil, errors.New("the driver is closed")
	}
	directives, spare, err := oracle.PlaceBus(spec.Directives)
	if err != nil {
		return nil, err
	}
	n.spare = spare
	n.conf = oracle.ConfText(append([][2]string{
		{"bind", "127.0.0.1"},
		{"port", fmt.Sprint(port.Client())},
		{"dir", mount},
		{"logfile", mount + "/" + logName},
	}, oracle.Defaults(d.knows)...), directives)
	prepare := func(b *box) error {
		if err := b.clear(); err != nil {
			return err
		}
		for name, data := range spec.Files {
			if err := checkName(name); err != nil {
				return err
			}
			if err := b.write(name, data); err != nil {
				return err
			}
		}
		return b.write(b.conf, []byte(n.conf))
	}
	stage = "start"
	if err := n.occupy(ctx, prepare); err != nil {
		return nil, err
	}
	return n, n.prove(ctx)
}

// occupy puts the node into an idle container if there is one that obeys, else into
// a new one.
func (n *node) occupy(ctx context.Context, prepare func(*box) error) error {
	for {
		b := n.d.takeIdle()
		if b == nil {
			break
		}
		n.box = b
		if err := b.leaveIdle(ctx, func() error { return prepare(b) }); err == nil {
			return nil
		}
		n.box = nil
		if err := b.remove(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	b, err := n.d.create(ctx)
	if err != nil {
		return err
	}
	n.box = b
	if err := prepare(b); err != nil {
		return err
	}
	return b.start(ctx)
}

// prove waits until the server is ready and checks that it is the one in the box
// that answers on the port.
func (n *node) prove(ctx context.Context) error {
	n.mu.Lock()
	n.done = n.box.doneChan()
	n.mu.Unlock()
	log := func() string {
		log := n.box.log()
		if log = log[min(n.mark, len(log)):]; !strings.Contains(log, readyLine) {
			log = n.box.output(ctx) + log // an excerpt is of the end
		}
		return log
	}
	fail := func(stage string, cause error) error {
		log := log()
		if strings.Contains(log, "Address already in use") || strings.Contains(log, "Failed listening on port") {
			cause = fmt.Errorf("%w: %w", errPortTaken, cause)
		}
		return &oracle.StartError{Node: n.name, Stage: stage, Cause: cause, Log: oracle.LogExcerpt(log), Addr: n.Addr(), Bus: n.BusAddr()}
	}
	if err := n.box.awaitReady(ctx, n.mark); err != nil {
		if errors.Is(err, errEnded) {
			n.box.mu.Lock()
			status := n.box.status
			n.box.mu.Unlock()
			err = fmt.Errorf("%w: %w", err, oracle.NewExitError(n.name, status, log()))
		}
		return fail("wait for readiness", err)
	}
	c := probe.Client(n.Addr())
	defer c.Close()
	text, err := c.Info(ctx, "server").Result()
	if err != nil {
		return fail("check identity", err)
	}
	if want := "config_file:" + mount + "/" + n.box.conf + "\r\n"; !strings.Contains(text, want) {
		return fail("check identity", fmt.Errorf("%w: the server on port %d is not the started one", errPortTaken, n.port.Client()))
	}
	return nil
}

func checkName(name string) error {
	if name != filepath.Base(name) || name == "." || name == ".." {
		return fmt.Errorf("file name %q: want a name without directories", name)
	}
	return nil
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

func (n *node) Log() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return n.lastLog
	}
	return n.box.log()
}

func (n *node) file(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", fmt.Errorf("node %s: %w", n.name, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return "", fmt.Errorf("node %s: %s: the node was stopped", n.name, name)
	}
	return filepath.Join(n.box.dir, name), nil
}

func (n *node) ReadFile(name string) ([]byte, error) {
	path, err := n.file(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func (n *node) WriteFile(name string, data []byte) error {
	path, err := n.file(name)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

func (n *node) Done() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.done
}

func (n *node) Err() error {
	n.mu.Lock()
	quiet := n.wanted || n.stopped
	mark := n.mark
	n.mu.Unlock()
	if quiet || n.box.alive() {
		return nil
	}
	n.box.mu.Lock()
	status := n.box.status
	n.box.mu.Unlock()
	log := n.box.log()
	return oracle.NewExitError(n.name, status, log[min(mark, len(log)):])
}

func (n *node) Kill() error {
	n.ops.Lock()
	defer n.ops.Unlock()
	return n.kill()
}

func (n *node) kill() error {
	n.mu.Lock()
	stopped := n.stopped
	if !stopped && n.box.alive() {
		n.wanted = true
	}
	n.mu.Unlock()
	if stopped || !n.box.alive() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := n.d.eng.api.ContainerKill(ctx, n.box.c.GetContainerID(), client.ContainerKillOptions{Signal: "KILL"})
	if err != nil && !errdefs.IsConflict(err) && !errdefs.IsNotFound(err) {
		return fmt.Errorf("node %s: kill: %w", n.name, err)
	}
	select {
	case <-n.box.doneChan():
		n.setPaused(false)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("node %s: kill: the engine does not say that the server ended: %w", n.name, ctx.Err())
	}
}

func (n *node) setPaused(p bool) {
	n.mu.Lock()
	n.paused = p
	n.mu.Unlock()
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
	ctx, cancel := context.WithTimeout(ctx, n.d.opt.StartTimeout)
	defer cancel()
	defer context.AfterFunc(n.d.closing, cancel)()
	n.mu.Lock()
	n.wanted = false
	n.mark = len(n.box.log())
	n.mu.Unlock()
	if err := n.box.start(ctx); err != nil {
		return &oracle.StartError{Node: n.name, Stage: "start", Cause: err}
	}
	return n.prove(ctx)
}

func (n *node) Pause() error {
	return n.freeze("pause", "SIGSTOP", true)
}

func (n *node) Resume() error {
	return n.freeze("resume", "SIGCONT", false)
}

// freeze sends a signal. The engine's own pause is not used: on a busy machine it fails
// now and then, unable to freeze.
func (n *node) freeze(verb, signal string, paused bool) error {
	n.ops.Lock()
	defer n.ops.Unlock()
	n.mu.Lock()
	already, stopped := n.paused == paused, n.stopped
	n.mu.Unlock()
	if stopped || !n.box.alive() {
		return fmt.Errorf("node %s: %s: the server does not run", n.name, verb)
	}
	if already {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := n.d.eng.api.ContainerKill(ctx, n.box.c.GetContainerID(), client.ContainerKillOptions{Signal: signal}); err != nil {
		return fmt.Errorf("node %s: %s: %w", n.name, verb, err)
	}
	n.setPaused(paused)
	return nil
}

func (n *node) Stop() error {
	n.ops.Lock()
	defer n.ops.Unlock()
	return n.stop(true)
}

// stop ends the node. reuse says that its server may become idle instead of being
// removed with its container.
func (n *node) stop(reuse bool) error {
	n.mu.Lock()
	was, paused := n.stopped, n.paused
	if !was && n.box != nil {
		n.lastLog = n.box.log()
	}
	n.stopped = true
	n.mu.Unlock()
	if was {
		return nil
	}
	release := func() {
		n.releasePort()
		if n.spare != nil {
			n.spare.Release()
		}
	}
	var err error
	switch {
	case n.box == nil:
		release()
	case reuse && !paused && !n.lent && n.box.alive() && n.d.closing.Err() == nil && n.retire(release) == nil:
		n.d.giveBack(n.box)
	default:
		err = n.box.remove()
		release()
	}
	n.d.mu.Lock()
	delete(n.d.nodes, n)
	n.d.mu.Unlock()
	return err
}

// retire turns the node's server into an idle one, which keeps its ports until it calls
// release.
func (n *node) retire(release func()) error {
	// A busy machine is not slower than this; a hung or hostile server is not
	// worth more.
	ctx, cancel := context.WithTimeout(n.d.closing, 2*time.Second)
	defer cancel()
	return n.box.becomeIdle(ctx, n.Addr(), release)
}
