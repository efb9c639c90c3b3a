package external

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

// Addresses is a driver of servers that somebody else started. A node is one of
// them, emptied and reset; stopping the node gives the server back.
type Addresses struct {
	id   oracle.Identity
	caps oracle.Capabilities

	mu   sync.Mutex
	free []netip.AddrPort
	used map[*node]struct{}
}

var (
	_ oracle.Driver  = (*Addresses)(nil)
	_ oracle.Limited = (*Addresses)(nil)
)

// Open checks that each address answers as a server in cluster mode that holds no
// keys. All must be the same product and version.
func Open(ctx context.Context, addrs []netip.AddrPort) (*Addresses, error) {
	d := &Addresses{used: map[*node]struct{}{}, caps: oracle.CapDebug | oracle.CapConf}
	if len(addrs) == 0 {
		return nil, errors.New("address: none given")
	}
	for i, a := range addrs {
		if !a.Addr().IsLoopback() {
			return nil, fmt.Errorf("address %s: not on loopback", a)
		}
		if slices.Contains(addrs[:i], a) {
			return nil, fmt.Errorf("address %s: named twice", a)
		}
		id, caps, err := survey(ctx, a)
		if err != nil {
			return nil, fmt.Errorf("address %s: %w", a, err)
		}
		if i > 0 && id.Short() != d.id.Short() {
			return nil, fmt.Errorf("address %s: is %s, but %s is %s", a, id.Short(), addrs[0], d.id.Short())
		}
		d.caps &= caps
		d.id = id
		d.free = append(d.free, a)
	}
	if len(addrs) > 1 {
		d.caps |= oracle.CapMany // up to Limit
	}
	d.id.How = oracle.Address
	var text []string
	for _, a := range addrs {
		text = append(text, a.String())
	}
	d.id.Source = strings.Join(text, ",")
	return d, nil
}

func survey(ctx context.Context, a netip.AddrPort) (id oracle.Identity, caps oracle.Capabilities, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c := probe.Client(a)
	defer c.Close()
	info, err := probe.AskOver(ctx, c)
	if err != nil {
		return id, 0, err
	}
	if !info.Cluster {
		return id, 0, fmt.Errorf("%s %s does not run in cluster mode: start it with cluster-enabled yes", info.Product, info.Version)
	}
	keys, err := c.DBSize(ctx).Result()
	if err != nil {
		return id, 0, fmt.Errorf("DBSIZE: %w", err)
	}
	if keys > 0 {
		return id, 0, fmt.Errorf("it holds %d keys, and slotdiff empties the servers it tests: name one that is empty", keys)
	}
	if c.Do(ctx, "DEBUG", "SLEEP", "0").Err() == nil {
		caps |= oracle.CapDebug
	}
	if c.ConfigGet(ctx, "cluster-node-timeout").Err() == nil {
		caps |= oracle.CapConf
	}
	return info.Identity(), caps, nil
}

// Identity implements oracle.Driver.
func (d *Addresses) Identity() oracle.Identity { return d.id }

// Capabilities implements oracle.Driver.
func (d *Addresses) Capabilities() oracle.Capabilities { return d.caps }

// Limit implements oracle.Limited.
func (d *Addresses) Limit() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.free) + len(d.used)
}

func (d *Addresses) need(c oracle.Capabilities, detail string) error {
	return &oracle.NeedError{Need: c, Driver: d.id.Short() + " (" + string(d.id.How) + ")", Detail: detail}
}

// Start implements oracle.Driver: it takes the next server that is free, empties
// and resets it and sets the directives with CONFIG SET.
func (d *Addresses) Start(ctx context.Context, spec oracle.NodeSpec) (oracle.Node, error) {
	if err := oracle.CheckDirectives(spec.Directives); err != nil {
		return nil, &oracle.StartError{Node: spec.Name, Stage: "configure", Cause: err}
	}
	if len(spec.Files) > 0 {
		return nil, d.need(oracle.CapFiles, "the node wants files of its own")
	}
	d.mu.Lock()
	if len(d.free) == 0 {
		n := len(d.used)
		d.mu.Unlock()
		return nil, d.need(oracle.CapMany, fmt.Sprintf("%d addresses were given, all are in use", n))
	}
	n := &node{d: d, name: spec.Name, addr: d.free[0], done: make(chan struct{}), stop: make(chan struct{})}
	d.free = d.free[1:]
	d.used[n] = struct{}{}
	d.mu.Unlock()
	if err := n.prepare(ctx, spec); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	n.watching.Go(n.watch)
	return n, nil
}

// Close implements oracle.Driver.
func (d *Addresses) Close() error {
	d.mu.Lock()
	var left []*node
	for n := range d.used {
		left = append(left, n)
	}
	d.mu.Unlock()
	var errs []error
	for _, n := range left {
		errs = append(errs, n.Stop())
	}
	return errors.Join(errs...)
}

type node struct {
	d    *Addresses
	name string
	addr netip.AddrPort
	bus  netip.AddrPort

	ctl      *control // nil until prepared
	done     chan struct{}
	stop     chan struct{}
	stopOnce sync.Once
	stopErr  error
	watching sync.WaitGroup

	mu  sync.Mutex
	err error
}

func (n *node) prepare(ctx context.Context, spec oracle.NodeSpec) error {
	fail := func(cause error) error {
		return &oracle.StartError{Node: n.name, Stage: "reset", Cause: cause, Addr: n.addr}
	}
	ctl, err := takeOver(ctx, n.addr)
	if err != nil {
		return fail(err)
	}
	n.ctl = ctl
	c := ctl.conn
	if err := wipe(ctx, c); err != nil {
		return fail(err)
	}
	for _, d := range spec.Directives {
		if _, known := ctl.config[d[0]]; !known {
			return n.d.need(oracle.CapConf, fmt.Sprintf("the server has no directive %s", d[0]))
		}
		if err := c.ConfigSet(ctx, d[0], d[1]).Err(); err != nil {
			return n.d.need(oracle.CapConf, fmt.Sprintf("CONFIG SET %s %s: %v", d[0], d[1], err))
		}
	}
	text, err := c.ClusterNodes(ctx).Result()
	if err != nil {
		return fail(err)
	}
	port, err := ownBusPort(text)
	if err != nil {
		return fail(err)
	}
	n.bus = netip.AddrPortFrom(n.addr.Addr(), port)
	return nil
}

// ownBusPort reads the port after the "@" of the line of CLUSTER NODES that is the
// server's own.
func ownBusPort(nodes string) (uint16, error) {
	for line := range strings.Lines(nodes) {
		f := strings.Fields(line)
		if len(f) < 3 || !slices.Contains(strings.Split(f[2], ","), "myself") {
			continue
		}
		_, rest, _ := strings.Cut(f[1], "@")
		rest, _, _ = strings.Cut(rest, ",")
		port, err := strconv.ParseUint(rest, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("CLUSTER NODES: no bus port in %q", f[1])
		}
		return uint16(port), nil
	}
	return 0, errors.New("CLUSTER NODES: no line is the server's own")
}

// watch keeps a connection and takes the server for dead when it breaks and no
// other can be had.
func (n *node) watch() {
	for {
		c, err := net.DialTimeout("tcp", n.addr.String(), 2*time.Second)
		if err != nil {
			n.mu.Lock()
			n.err = oracle.NewExitError(n.name, err.Error(), "")
			n.mu.Unlock()
			close(n.done)
			return
		}
		broken := make(chan struct{})
		go func() {
			defer close(broken)
			// Nothing is ever sent on it: only its end can be read.
			var b [1]byte
			_, _ = c.Read(b[:])
		}()
		select {
		case <-n.stop:
			c.Close()
			<-broken
			close(n.done)
			return
		case <-broken:
			c.Close()
		}
	}
}

func (n *node) Name() string            { return n.name }
func (n *node) Addr() netip.AddrPort    { return n.addr }
func (n *node) BusAddr() netip.AddrPort { return n.bus }
func (n *node) Conf() string            { return "" }
func (n *node) Log() string             { return "" }
func (n *node) Done() <-chan struct{}   { return n.done }

func (n *node) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

func (n *node) ReadFile(name string) ([]byte, error) {
	return nil, n.d.need(oracle.CapFiles, name)
}

func (n *node) WriteFile(name string, _ []byte) error { return n.d.need(oracle.CapFiles, name) }
func (n *node) Kill() error                           { return n.d.need(oracle.CapKill, "") }
func (n *node) Restart(context.Context) error         { return n.d.need(oracle.CapRestart, "") }
func (n *node) Pause() error                          { return n.d.need(oracle.CapPause, "") }
func (n *node) Resume() error                         { return n.d.need(oracle.CapPause, "") }

// Stop empties the server, restores its directives and users and gives it back.
func (n *node) Stop() error {
	n.stopOnce.Do(func() {
		close(n.stop)
		n.watching.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if n.ctl != nil && n.Err() == nil {
			n.stopErr = n.ctl.giveBack(ctx, n.addr)
			if n.stopErr != nil {
				n.stopErr = fmt.Errorf("node %s: give %s back: %w", n.name, n.addr, n.stopErr)
			}
		}
		n.d.mu.Lock()
		defer n.d.mu.Unlock()
		delete(n.d.used, n)
		n.d.free = append(n.d.free, n.addr)
	})
	return n.stopErr
}
