// Package process runs servers as child processes: each in a directory of its own,
// on loopback, ended with slotdiff whatever ends slotdiff.
//
// Where the program can be many servers at once (Hosting), nodes that need no process
// of their own share a few.
//
// A child is killed by the kernel when slotdiff dies; should that fail, the next
// run finds its record and ends it. The package refuses to signal a process that it
// did not start, and to believe a port: a node is up when its own log says so and
// the server behind the port has the child's process number.
package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/probe"
	"github.com/slotdiff/slotdiff/oracle/rundir"
)

// Binary is a server's executable.
type Binary struct {
	// Argv is the program and its leading arguments. The configuration file's
	// path replaces every "{conf}" in it, or is appended where there is none.
	Argv []string
	// Env is the environment; nil is a fixed one that lets no setting of the
	// user's reach the server.
	Env []string
	// Source and Digest go into the identity.
	Source, Digest string
}

// Options configure a Driver.
type Options struct {
	Binary Binary
	// Hosting, if set, lets nodes share processes.
	Hosting *Hosting
	// How goes into the identity; empty is oracle.Process.
	How oracle.How
	// Product and Version are what the server must be; empty takes any.
	Product, Version string
	// Rename and BuildID displace in the identity what the server says of
	// itself; empty leaves it.
	Rename, BuildID string
	// StartTimeout is how long a node may take to be ready; zero is 20 s.
	StartTimeout time.Duration
	// Progress is given lines that tell the user what happens; may be nil.
	Progress func(string)
}

// Driver is an oracle.Driver.
type Driver struct {
	opt   Options
	run   *rundir.Dir
	id    oracle.Identity
	caps  oracle.Capabilities
	knows func(string) bool

	closing context.Context // ends what is being started when Close begins
	close   context.CancelFunc

	mu    sync.Mutex
	nodes map[*node]struct{}

	hosting   sync.Mutex     // held to choose or start a host; before any host's own
	hosts     []*host        // all that run
	attending sync.WaitGroup // a goroutine for each host
}

var _ oracle.Driver = (*Driver)(nil)

// Open starts the server once to learn what it is and which directives it knows. The
// error says what is wrong with the binary or that it is not the version wanted.
func Open(ctx context.Context, opt Options) (*Driver, error) {
	if len(opt.Binary.Argv) == 0 {
		return nil, errors.New("process: no program given")
	}
	if _, err := exec.LookPath(opt.Binary.Argv[0]); err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	if opt.How == "" {
		opt.How = oracle.Process
	}
	if opt.StartTimeout == 0 {
		opt.StartTimeout = 20 * time.Second
	}
	if opt.Binary.Env == nil {
		opt.Binary.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	}
	run, swept, err := rundir.Open()
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	if opt.Progress != nil {
		for _, s := range swept {
			opt.Progress("removed what a killed run left: " + s)
		}
	}
	d := &Driver{opt: opt, run: run, nodes: map[*node]struct{}{}}
	d.closing, d.close = context.WithCancel(context.Background())
	if err := d.learn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("process: %s: %w", opt.Binary.Argv[0], err), d.Close())
	}
	return d, nil
}

// learn fills in the identity, the capabilities and the known directives.
func (d *Driver) learn(ctx context.Context) error {
	// Outside of cluster mode every Redis starts with the same few directives;
	// in it, which ones it needs depends on the version. Some servers know no
	// other mode.
	n, err := d.start(ctx, oracle.NodeSpec{Name: "probe", Shared: true}, true)
	var exit *oracle.ExitError
	if errors.As(err, &exit) && !exit.Crashed {
		spec := oracle.NodeSpec{Name: "probe", Shared: true, Directives: [][2]string{{"cluster-enabled", "yes"}}}
		if n2, err2 := d.start(ctx, spec, true); err2 == nil {
			n, err = n2, nil
		}
	}
	if err != nil {
		return err
	}
	c := probe.Client(n.Addr())
	defer c.Close()
	names := probe.Directives(ctx, c)
	// A server that leaves out what it must have lists only a part: ask no more
	// of it than what the baseline knows.
	if names["cluster-enabled"] {
		d.knows = func(name string) bool { return names[name] }
	} else {
		d.knows = func(name string) bool { return name != "cluster-bus-port-protected-mode" }
	}
	d.id = n.info.Identity()
	d.id.How = d.opt.How
	d.id.Source = d.opt.Binary.Source
	d.id.Digest = d.opt.Binary.Digest
	d.id.Argv = argv(d.opt.Binary.Argv, "{conf}")
	d.caps = oracle.AllCapabilities
	if d.opt.Rename != "" {
		d.id.Product = d.opt.Rename
	}
	if d.opt.BuildID != "" {
		d.id.BuildID = d.opt.BuildID
	}
	if err := d.id.CheckVersion(d.opt.Product, d.opt.Version); err != nil {
		return errors.Join(err, n.Stop())
	}
	if err := n.Stop(); err != nil || d.opt.How != oracle.Command {
		return err
	}
	return d.learnDebug(ctx)
}

// learnDebug asks a server of the user's for a command that a drop-in may lack.
func (d *Driver) learnDebug(ctx context.Context) error {
	n, err := d.start(ctx, oracle.NodeSpec{Name: "probe"}, false)
	if err != nil {
		return err
	}
	c := probe.Client(n.Addr())
	defer c.Close()
	var refused redis.Error
	if err := c.Do(ctx, "DEBUG", "SLEEP", "0").Err(); errors.As(err, &refused) {
		d.caps &^= oracle.CapDebug
	}
	return n.Stop()
}

// Identity implements oracle.Driver.
func (d *Driver) Identity() oracle.Identity { return d.id }

// Capabilities implements oracle.Driver.
func (d *Driver) Capabilities() oracle.Capabilities { return d.caps }

// Paced implements oracle.Paced.
func (d *Driver) Paced() bool { return d.opt.Hosting != nil }

// Start implements oracle.Driver.
func (d *Driver) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	n, err := d.start(ctx, spec, false)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Close implements oracle.Driver.
func (d *Driver) Close() error {
	d.close()
	d.mu.Lock()
	left := slices.Collect(maps.Keys(d.nodes))
	d.mu.Unlock()
	errs := make([]error, len(left))
	var wg sync.WaitGroup
	for i, n := range left {
		wg.Go(func() { errs[i] = n.Stop() })
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...), d.endHosts(), d.run.Close())
}

// start tries several ports: that one is taken by a stranger between being
// reserved and being bound is no failure of the node.
func (d *Driver) start(ctx context.Context, spec oracle.NodeSpec, asProbe bool) (*node, error) {
	if err := oracle.CheckDirectives(spec.Directives); err != nil {
		return nil, &oracle.StartError{Node: spec.Name, Stage: "write configuration", Cause: err}
	}
	const tries = 5
	var err error
	for range tries {
		var n *node
		n, err = d.startOnce(ctx, spec, asProbe)
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, errPortTaken) || oracle.SetsPlace(spec.Directives) {
			break
		}
	}
	return nil, err
}

func (d *Driver) startOnce(ctx context.Context, spec oracle.NodeSpec, asProbe bool) (_ *node, err error) {
	fail := func(stage string, cause error) error {
		return &oracle.StartError{Node: spec.Name, Stage: stage, Cause: cause}
	}
	port, release, err := spec.Ports()
	if err != nil {
		return nil, fail("reserve ports", err)
	}
	n := &node{d: d, name: spec.Name, port: port, releasePort: release, log: new(oracle.LogBuffer), shared: spec.Shared && d.opt.Hosting != nil, pace: spec.Pace}
	n.ops.Lock()
	defer n.ops.Unlock()
	defer func() {
		if err != nil {
			if stopErr := n.stop(); stopErr != nil {
				err = errors.Join(err, stopErr)
			}
		}
	}()
	d.mu.Lock()
	if d.closing.Err() != nil {
		d.mu.Unlock()
		return nil, fail("start", errors.New("the driver is closed"))
	}
	d.nodes[n] = struct{}{}
	d.mu.Unlock()
	if n.dir, err = d.run.Node(spec.Name); err != nil {
		return nil, fail("make directory", err)
	}
	base := [][2]string{
		{"bind", "127.0.0.1"},
		{"port", fmt.Sprint(port.Client())},
		{"dir", oracle.QuoteConf(n.dir)},
		{"logfile", ""},
		{"save", ""},
	}
	if !asProbe {
		base = append(base[:4], oracle.Defaults(d.knows)...)
	}
	directives, spare, err := oracle.PlaceBus(spec.Directives)
	if err != nil {
		return nil, fail("reserve ports", err)
	}
	n.spare = spare
	n.conf = oracle.ConfText(base, directives)
	for name, data := range spec.Files {
		if err := n.WriteFile(name, data); err != nil {
			return nil, fail("write "+name, err)
		}
	}
	if err := n.WriteFile(confName, []byte(n.conf)); err != nil {
		return nil, fail("write configuration", err)
	}
	if err := n.launch(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

func argv(words []string, conf string) []string {
	out := slices.Clone(words)
	found := false
	for i, w := range out {
		found = found || strings.Contains(w, "{conf}")
		out[i] = strings.ReplaceAll(w, "{conf}", conf)
	}
	if !found {
		out = append(out, conf)
	}
	return out
}

const confName = "redis.conf"

func filePath(dir, name string) (string, error) {
	if name != filepath.Base(name) || name == "." || name == ".." {
		return "", fmt.Errorf("file name %q: want a name without directories", name)
	}
	return filepath.Join(dir, name), nil
}

var errPortTaken = errors.New("another process has the port")

func writeFile(path string, data []byte) error { return os.WriteFile(path, data, 0o600) }
