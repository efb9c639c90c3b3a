package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
)

// Hosting says that a program can be many servers at once, in one process. A server
// of its own costs a process start, a scheduler and a collector, which is most of what
// a short life costs.
//
// The process is told on its standard input what to do: "start KEY PACE FILE" runs a
// server with that configuration file and pace of its clock (oracle.Pace), "pace KEY PACE"
// changes the pace, "kill KEY" ends it as SIGKILL does. It prints each line of a server's
// log as "KEY text", and "KEY! CODE" when a server has ended, with the exit code it would
// have had. What it prints on standard error is its own end.
//
// Only nodes that say so (oracle.NodeSpec.Shared) are put into a host.
type Hosting struct {
	// Argv is the program and the arguments that make it a host; a directory of
	// the run, by which a later run knows it, is appended.
	Argv []string
	// Processes is how many hosts share the nodes; zero is one a processor.
	Processes int
}

// host is a process that serves many nodes.
//
// Invariant: a host is in Driver.hosts until its process has ended.
type host struct {
	d   *Driver
	cmd *exec.Cmd
	dir string
	in  io.WriteCloser

	mu      sync.Mutex
	nodes   map[string]*incarnation // those that have not ended, by key
	keys    int                     // keys given out
	retired bool                    // takes no more nodes: it has ended, or a node of it does not end
}

// timerSlack is how late the timers of a host may be: a hundredth of a tick of a node.
const timerSlack = time.Millisecond

// launchHosted makes a host the node's server.
func (n *node) launchHosted(conf string) (inc *incarnation, mark int, err error) {
	mark = n.log.Mark()
	for {
		h, err := n.d.hostFor()
		if err != nil {
			return nil, 0, n.startError("start", err)
		}
		inc = &incarnation{cmd: h.cmd, host: h, ready: make(chan struct{}), done: make(chan struct{})}
		inc.hear = n.log.Listen(readyLine, inc.ready)
		inc.exit = func(status string) error { return oracle.NewExitError(n.name, status, n.log.Since(mark)) }
		if n.moveIn(h, inc, conf) {
			return inc, mark, nil
		}
	}
}

// moveIn makes a server of the host the node's; false if the host takes none.
func (n *node) moveIn(h *host, inc *incarnation, conf string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !h.begin(inc, n.pace, conf) {
		return false
	}
	n.inc = inc
	return true
}

// hostFor returns the host with the fewest nodes, a new one where there may be more.
func (d *Driver) hostFor() (*host, error) {
	most := d.opt.Hosting.Processes
	if most == 0 {
		most = runtime.NumCPU()
	}
	d.hosting.Lock()
	defer d.hosting.Unlock()
	var best *host
	fewest, running := 0, 0
	for _, h := range d.hosts {
		h.mu.Lock()
		n, retired := len(h.nodes), h.retired
		h.mu.Unlock()
		if retired {
			continue
		}
		if running++; best == nil || n < fewest {
			best, fewest = h, n
		}
	}
	if best != nil && (running >= most || fewest == 0) {
		return best, nil
	}
	return d.newHost()
}

// newHost starts a host. The caller holds d.hosting.
func (d *Driver) newHost() (h *host, err error) {
	h = &host{d: d, nodes: map[string]*incarnation{}}
	if h.dir, err = d.run.Node("host"); err != nil {
		return nil, err
	}
	argv := append(slices.Clip(d.opt.Hosting.Argv), h.dir)
	h.cmd = exec.Command(argv[0], argv[1:]...)
	h.cmd.Env = d.opt.Binary.Env
	h.cmd.Dir = h.dir
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	h.cmd.Stderr = &stderr // valid once Wait has returned
	out, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	h.cmd.Stdout = w
	err = spawnLazy(h.cmd, timerSlack)
	w.Close()
	if err != nil {
		out.Close()
		return nil, err
	}
	// What fails here has ended already, which attend sees.
	_ = d.run.Record(h.dir, h.cmd.Process.Pid)
	d.hosts = append(d.hosts, h)
	d.attending.Go(func() {
		defer out.Close()
		h.attend(out)
		h.over(&stderr)
	})
	return h, nil
}

// begin makes an incarnation a server of the host; false if the host takes none.
func (h *host) begin(inc *incarnation, pace oracle.Pace, conf string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.retired {
		return false
	}
	h.keys++
	inc.key = strconv.Itoa(h.keys)
	h.nodes[inc.key] = inc
	// A host that cannot be told has ended, and the incarnation with it.
	_, _ = fmt.Fprintf(h.in, "start %s %s %s\n", inc.key, pace, conf)
	return true
}

// pace sets one server's clock.
func (h *host) pace(inc *incarnation, p oracle.Pace) {
	_, _ = fmt.Fprintf(h.in, "pace %s %s\n", inc.key, p)
}

// kill asks for the end of one server.
func (h *host) kill(inc *incarnation) { _, _ = fmt.Fprintf(h.in, "kill %s\n", inc.key) }

// attend passes what the host says to those it is about, until its output ends.
func (h *host) attend(out io.Reader) {
	in := bufio.NewReaderSize(out, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		key, text, _ := bytes.Cut(line, []byte(" "))
		key, ended := bytes.CutSuffix(key, []byte("!"))
		h.mu.Lock()
		inc := h.nodes[string(key)]
		h.mu.Unlock()
		switch {
		case inc == nil: // forgotten because it would not end
		case ended:
			h.forget(inc)
			inc.finish("exit status " + string(bytes.TrimSpace(text)))
		default:
			inc.hear(text)
		}
	}
}

// forget takes an incarnation from the host. A retired host ends with its last.
func (h *host) forget(inc *incarnation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.nodes, inc.key)
	if h.retired && len(h.nodes) == 0 {
		_ = h.cmd.Process.Kill() // it may have ended by itself
	}
}

// giveUp forgets a server that does not end and lets the host take no more.
func (h *host) giveUp(inc *incarnation) {
	h.mu.Lock()
	h.retired = true
	h.mu.Unlock()
	h.forget(inc)
	inc.finish("does not end")
}

// over ends what the process, whose output has ended, was the server of.
func (h *host) over(stderr *bytes.Buffer) {
	h.mu.Lock()
	h.retired = true
	h.mu.Unlock()
	_ = h.in.Close()
	_ = h.cmd.Process.Kill()
	err := h.cmd.Wait()
	status := h.cmd.ProcessState.String()
	if h.cmd.ProcessState == nil {
		status = err.Error()
	}
	h.d.hosting.Lock()
	for i, other := range h.d.hosts {
		if other == h {
			h.d.hosts = append(h.d.hosts[:i:i], h.d.hosts[i+1:]...)
			break
		}
	}
	h.d.hosting.Unlock()
	h.mu.Lock()
	left := h.nodes
	h.nodes = map[string]*incarnation{}
	h.mu.Unlock()
	said := stderr.Bytes()
	said = said[:min(len(said), 64<<10)] // it begins with the cause
	for _, inc := range left {
		if len(said) > 0 {
			inc.hear(said)
		}
		inc.finish(status + ", of the process that served this node with " + strconv.Itoa(len(left)-1) + " others")
	}
}

// endHosts ends every host and waits for it. No node is left by then.
func (d *Driver) endHosts() error {
	d.hosting.Lock()
	left := append([]*host(nil), d.hosts...)
	d.hosting.Unlock()
	var errs []error
	for _, h := range left {
		_ = h.cmd.Process.Kill() // it may have ended by itself
	}
	d.attending.Wait()
	for _, h := range left {
		errs = append(errs, d.run.Remove(h.dir))
	}
	return errors.Join(errs...)
}
