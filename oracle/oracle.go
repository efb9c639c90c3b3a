// Package oracle says what a server under slotdiff is, whoever makes it run: a
// Driver starts Nodes of one make and version, an Identity names exactly what was
// started, Capabilities say what can be done to it, a Spec is the user's word for
// where to take it from, and the port allocator keeps concurrent runs apart.
//
// The same interfaces serve the oracle side (real Redis) and the target side
// (anything). The drivers live below: process, container, external, bundled; the
// package choose turns a Spec into one of them.
//
// It refuses to start anything itself and links no client, engine or driver, so
// that harness/runner can depend on it and on nothing heavier.
package oracle

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Driver starts nodes of one product and version. It is safe for concurrent use.
type Driver interface {
	// Identity is what every node of this driver is. It is constant and was
	// read from a running server (or, for a container, also from its image)
	// when the driver was opened.
	Identity() Identity

	// Capabilities are what the driver and its server can do.
	Capabilities() Capabilities

	// Start starts one node and returns once it accepts connections and has
	// proven that it is the node that was started. A failure is a *StartError,
	// or a *NeedError where the driver cannot do what spec asks for.
	Start(ctx context.Context, spec NodeSpec) (Node, error)

	// Close stops every node that is left and removes every trace of the run:
	// processes, containers, files, port reservations. It is idempotent.
	Close() error
}

// Node is one running (or killed, or paused) server. It is safe for concurrent use.
//
// A node lives from Start to Stop. Kill and Restart may alternate in between: the
// ports, the directory and what is in it stay.
type Node interface {
	// Name is NodeSpec.Name.
	Name() string

	// Addr is the address of the client port, BusAddr that of the bus port.
	// Both are on loopback and do not change over a restart.
	Addr() netip.AddrPort
	BusAddr() netip.AddrPort

	// Conf is the text of the configuration file the node was started with,
	// empty where slotdiff did not write one.
	Conf() string

	// Log is all the server has written to its log so far, over all restarts;
	// the middle of a log over 2 MiB is left out. It remains readable after Stop.
	Log() string

	// ReadFile and WriteFile reach into the node's working directory
	// (nodes.conf and the like). name has no path separator.
	// They fail with a *NeedError without CapFiles, and after Stop.
	ReadFile(name string) ([]byte, error)
	WriteFile(name string, data []byte) error

	// Kill ends the server as SIGKILL does and waits until it is gone.
	// Killing a dead node is not an error.
	Kill() error

	// Restart starts the server again with the same ports, directory and
	// configuration, killing it first where it still runs. Done is a new
	// channel afterwards.
	Restart(ctx context.Context) error

	// Pause freezes the server as SIGSTOP does; Resume lets it go on.
	Pause() error
	Resume() error

	// Done is closed when the present incarnation of the server has ended,
	// for whatever reason.
	Done() <-chan struct{}

	// Err says how the server ended: nil while it runs and after Kill or Stop,
	// otherwise an *ExitError.
	Err() error

	// Stop ends the server at once, without a grace period, releases its ports
	// and removes its files. What is wanted of them is read before. It is
	// idempotent.
	Stop() error
}

// Pace says that a clock shows Shows at the wall's moment At and runs Times times as fast
// as the wall's. Nodes that talk to each other must agree in it. The zero Pace is the
// wall's clock.
type Pace struct {
	Times     int
	At, Shows time.Time
}

// String is "TIMES@AT=SHOWS", in microseconds of Unix time; "-" is the wall's.
func (p Pace) String() string {
	if p == (Pace{}) {
		return "-"
	}
	return fmt.Sprintf("%d@%d=%d", p.Times, p.At.UnixMicro(), p.Shows.UnixMicro())
}

// Show is what the clock shows at a moment of the wall's.
func (p Pace) Show(wall time.Time) time.Time {
	if p == (Pace{}) {
		return wall
	}
	return p.Shows.Add(wall.Sub(p.At) * time.Duration(p.Times))
}

// Paced is implemented by a driver whose nodes can have a clock of another pace, if they
// are Shared. Such a node is a PacedNode.
type Paced interface {
	// Paced reports whether they can.
	Paced() bool
}

// PacedNode is a node whose clock can be made to run faster or slower.
type PacedNode interface {
	// SetPace changes the pace of the node's clock, also for its next life.
	SetPace(Pace)
}

// Telling is implemented by a node whose log is heard line by line, as it is written.
type Telling interface {
	// Told returns a channel that is closed when the node next logs something.
	Told() <-chan struct{}
}

// NodeSpec is what a case wants of one node.
type NodeSpec struct {
	// Name is the actor's name in the case; it appears in errors and in the
	// name of the node's directory. Letters, digits, '-' and '_'.
	Name string

	// Directives are configuration lines, written in this order after the
	// driver's defaults. A directive named here displaces the default of that
	// name. The value is written as it would stand in redis.conf: several
	// arguments are separated by blanks, quotes are the caller's, and the
	// empty string is written as "".
	Directives [][2]string

	// Port, if not nil, is the pair of ports that the node uses. It is the caller's:
	// the node neither acquires nor releases it. Only a driver with CapFresh takes it.
	Port *Port

	// Files are put into the node's directory before its first start, such as
	// a nodes.conf to load.
	Files map[string][]byte

	// Pace is that of the node's clock. Only a driver that is Paced knows another than
	// the wall's.
	Pace Pace

	// Shared says that the node will not be paused, so that a driver may put it
	// into one process with others. False is a process of its own.
	Shared bool
}

// Ports returns the pair of ports that a node is to use, its caller's or a new one, and
// what gives it back when the node has ended.
func (s *NodeSpec) Ports() (p *Port, release func(), err error) {
	if s.Port != nil {
		return s.Port, func() {}, nil
	}
	if p, err = AcquirePort(); err != nil {
		return nil, nil, err
	}
	return p, p.Release, nil
}

// StartError says why a node did not come up.
type StartError struct {
	Node  string // NodeSpec.Name
	Stage string // what was being done: "write configuration", "start", "wait for readiness", "check identity"
	Cause error
	Log   string // the last lines of the server's log, may be empty
	// Addr and Bus are where the node would have listened; invalid where no server had been started.
	Addr, Bus netip.AddrPort
}

// OfServer reports whether a server had been started, or was there before, so that the fault may be its own. Else it is the
// machine's, or that of the driver.
func (e *StartError) OfServer() bool { return e.Addr.IsValid() }

func (e *StartError) Error() string {
	cause := e.Cause.Error()
	// An exit's own text begins with the node too.
	cause = strings.TrimPrefix(cause, "node "+e.Node+": ")
	s := fmt.Sprintf("node %s: %s: %s", e.Node, e.Stage, cause)
	if e.Log != "" {
		s += "\n" + e.Log
	}
	return s
}

func (e *StartError) Unwrap() error { return e.Cause }

// ExitError says how a server ended that nobody had asked to end.
type ExitError struct {
	Node    string
	Status  string // "exit status 1", "signal: segmentation fault (core dumped)"
	Crashed bool   // the log has a crash report or a failed assertion, or the server died of a signal of its own making
	Log     string // the last lines of the log, or the crash report's first
}

func (e *ExitError) Error() string {
	what := "ended"
	if e.Crashed {
		what = "crashed"
	}
	s := fmt.Sprintf("node %s: server %s: %s", e.Node, what, e.Status)
	if e.Log != "" {
		s += "\n" + e.Log
	}
	return s
}

// NeedError says that a driver lacks what was asked of it. A case that meets one
// is skipped, naming Need; it does not fail.
type NeedError struct {
	Need   Capabilities
	Driver string // the identity's short form
	Detail string // what exactly could not be had, may be empty
}

func (e *NeedError) Error() string {
	s := fmt.Sprintf("%s: cannot %s", e.Driver, e.Need)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Lacks is the need in words that follow "needs", for a skipped case.
func (e *NeedError) Lacks() string {
	s := fmt.Sprintf("%s, which %s does not have", e.Need, e.Driver)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Limited is implemented by a driver that has only so many nodes to give at a time.
// Who plays several cases at once waits for his turn.
type Limited interface {
	// Limit is the number of nodes that may be started at the same time.
	Limit() int
}
