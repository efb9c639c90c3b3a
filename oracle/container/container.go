// Package container runs real servers in containers of a local engine, through
// testcontainers-go: host networking, loopback addresses, a directory of this
// machine as the server's working directory, our own user, our own labels.
//
// A start of a container costs both cores of a small machine a tenth of a second, a
// run starts hundreds of nodes. So a container whose node was stopped is used again:
// the node is reset, so that it knows nobody and nobody it, and keeps its ports until
// the server is told to execute itself anew (DEBUG CRASH-AND-RECOVER) as the next node.
// Then the kernel replaces the whole process image, and the directory is emptied, so
// nothing of an earlier node is left; what cannot be told that (it died, it is frozen, a case took the command
// away) is removed and a new container made. Measured with 2 cores and an engine
// 20.10: 120 ms of both cores for a container made and removed, 12 ms for one used
// again.
//
// The package refuses engines on other machines. It uses no reaper: it removes what
// it made, and what killed runs left is found by label and removed by the next.
package container

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/rundir"
)

// Options configure a Driver.
type Options struct {
	// Image is the image's name. Empty is the baseline's: the image of that
	// name, pulled if need be, else one built from Debian's packages.
	Image string
	// Product and Version are what the server must be; empty takes any.
	Product, Version string
	// StartTimeout is how long a node may take to be ready; zero is 30 s.
	StartTimeout time.Duration
	// PullTimeout is how long a pull may take; zero is 10 s for the baseline's
	// image, which can be built instead, and 5 minutes for another.
	PullTimeout time.Duration
	// Progress is given lines that tell the user what happens; may be nil.
	Progress func(string)
}

// Driver is an oracle.Driver.
type Driver struct {
	opt    Options
	eng    *engine
	run    *rundir.Dir
	image  image
	entry  string // the server's path in the image, empty for the image's own entry point
	id     oracle.Identity
	knows  func(string) bool
	labels map[string]string

	closing    context.Context // ends what is being started when Close begins
	close      context.CancelFunc
	watching   context.Context // ends when Close has removed everything
	stopEvents context.CancelFunc
	events     sync.WaitGroup

	mu    sync.Mutex
	boxes map[string]*box // by container id, all that exist
	idle  []*box
	made  int
	nodes map[*node]struct{}
}

var _ oracle.Driver = (*Driver)(nil)

// Open connects to the engine, removes what killed runs left there, gets the image
// and starts the server once to learn what it is.
func Open(ctx context.Context, opt Options) (*Driver, error) {
	if opt.StartTimeout == 0 {
		opt.StartTimeout = 30 * time.Second
	}
	if opt.Progress == nil {
		opt.Progress = func(string) {}
	}
	eng, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("container: %w", err)
	}
	swept, err := eng.sweep(ctx)
	for _, s := range swept {
		opt.Progress("removed what a killed run left: " + s)
	}
	if err != nil {
		return nil, fmt.Errorf("container: %w", err)
	}
	run, swept, err := rundir.Open()
	if err != nil {
		return nil, fmt.Errorf("container: %w", err)
	}
	for _, s := range swept {
		opt.Progress("removed what a killed run left: " + s)
	}
	d := &Driver{opt: opt, eng: eng, run: run, boxes: map[string]*box{}, nodes: map[*node]struct{}{}}
	d.closing, d.close = context.WithCancel(context.Background())
	d.watching, d.stopEvents = context.WithCancel(context.Background())
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("container: %w", err), d.Close())
	}
	return d, nil
}

func (d *Driver) open(ctx context.Context) (err error) {
	if d.labels, err = runLabels(d.run.ID()); err != nil {
		return err
	}
	if d.image, err = d.eng.ensureImage(ctx, d.opt); err != nil {
		return err
	}
	if err := d.watch(); err != nil {
		return err
	}
	return d.learn(ctx)
}

// Identity implements oracle.Driver.
func (d *Driver) Identity() oracle.Identity { return d.id }

// Capabilities implements oracle.Driver.
func (d *Driver) Capabilities() oracle.Capabilities { return oracle.AllCapabilities }

// Start implements oracle.Driver.
func (d *Driver) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	n, err := d.start(ctx, spec)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Close implements oracle.Driver.
func (d *Driver) Close() error {
	d.close()
	d.mu.Lock()
	nodes := make([]*node, 0, len(d.nodes))
	for n := range d.nodes {
		nodes = append(nodes, n)
	}
	d.mu.Unlock()
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { errs[i] = n.Stop() })
	}
	wg.Wait()
	d.mu.Lock()
	var left []*box
	for _, b := range d.boxes {
		left = append(left, b)
	}
	d.idle = nil
	d.mu.Unlock()
	boxErrs := make([]error, len(left))
	for i, b := range left {
		wg.Go(func() { boxErrs[i] = b.remove() })
	}
	wg.Wait()
	d.stopEvents()
	d.events.Wait()
	return errors.Join(errors.Join(errs...), errors.Join(boxErrs...), d.run.Close(), d.eng.close())
}

// watch follows the engine's events, to know at once when a container's server
// ends.
func (d *Driver) watch() error {
	res := d.eng.api.Events(d.watching, client.EventsListOptions{
		Filters: make(client.Filters).Add("type", "container").Add("event", "die").Add("label", labelRun+"="+d.run.ID()),
	})
	select {
	case err := <-res.Err:
		return fmt.Errorf("engine's events: %w", err)
	default:
	}
	d.events.Go(func() {
		for {
			select {
			case m := <-res.Messages:
				d.mu.Lock()
				b := d.boxes[m.Actor.ID]
				d.mu.Unlock()
				if b != nil {
					b.ended(exitStatus(m.Actor.Attributes["exitCode"]))
				}
			case err := <-res.Err:
				// The engine is gone or we are closing: nothing more will be
				// heard of any container.
				d.mu.Lock()
				for _, b := range d.boxes {
					b.ended(fmt.Sprintf("the container engine went away: %v", err))
				}
				d.mu.Unlock()
				return
			}
		}
	})
	return nil
}

// takeIdle returns a container whose server waits to become a node, or nil.
func (d *Driver) takeIdle() *box {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.idle) == 0 {
		return nil
	}
	b := d.idle[len(d.idle)-1]
	d.idle = d.idle[:len(d.idle)-1]
	return b
}

// giveBack keeps an idle container for the next node.
func (d *Driver) giveBack(b *box) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing.Err() == nil {
		d.idle = append(d.idle, b)
	}
}

// create makes a container that is not started yet. It takes the engine a moment and
// is not interrupted: a container whose making was given up would be nobody's.
func (d *Driver) create(ctx context.Context) (*box, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.opt.StartTimeout)
	defer cancel()
	d.mu.Lock()
	d.made++
	serial := d.made
	d.mu.Unlock()
	dir, err := d.run.Node("box")
	if err != nil {
		return nil, err
	}
	b := &box{d: d, dir: dir, conf: fmt.Sprintf("redis-%s-%d.conf", d.run.ID(), serial)}
	req := testcontainers.ContainerRequest{
		Image:  d.image.name,
		Labels: map[string]string{},
		Cmd:    []string{mount + "/" + b.conf},
		ConfigModifier: func(c *container.Config) {
			c.User = ownUser()
			c.WorkingDir = mount
		},
		HostConfigModifier: func(h *container.HostConfig) {
			h.NetworkMode = "host"
			h.Binds = []string{dir + ":" + mount}
			h.LogConfig = container.LogConfig{Type: "json-file"}
		},
	}
	if d.entry != "" {
		req.Entrypoint = []string{d.entry}
	}
	maps.Copy(req.Labels, d.labels)
	b.c, err = d.eng.provider.CreateContainer(ctx, req)
	if err != nil {
		return nil, errors.Join(err, d.run.Remove(dir))
	}
	d.mu.Lock()
	d.boxes[b.c.GetContainerID()] = b
	d.mu.Unlock()
	if d.closing.Err() != nil {
		return nil, errors.Join(errors.New("the driver is closed"), b.remove())
	}
	return b, nil
}

// forget drops a removed container from the books.
func (d *Driver) forget(b *box) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.boxes, b.c.GetContainerID())
	if i := slices.Index(d.idle, b); i >= 0 {
		d.idle = slices.Delete(d.idle, i, i+1)
	}
}
