package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/mask"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// side is one started topology: nodes of one driver, and puppets beside them.
// One goroutine uses it at a time.
type side struct {
	witness verdict.Witness
	driver  oracle.Driver // of its nodes
	oracle  oracle.Driver // of those with make=oracle; the same on the oracle side
	seed    uint64
	starts  gate
	budget  *budget // of the case, or of its end
	names   *names
	nodes   map[string]*node
	order   []string // nodes in the order of their start
	puppets map[string]*actor
	relays  relays
	omit    string // from what puppets receive
	pauses  bool   // a step of the case pauses a node
	tempo   tempo  // of the nodes' clock
	trace   *trace
	turn    *turn   // of the present step
	waiter  *waiter // in the present step

	successors successors
	retired    map[string]string // logs of servers that another took the place of
}

// newSide makes a side on which nothing has started. The case, which may be nil, says
// before which nodes relays will stand.
func newSide(w verdict.Witness, d oracle.Driver, cfg Config, c *scenario.Case) *side {
	s := &side{
		witness: w, driver: d, oracle: cfg.Oracle, seed: cfg.Seed, starts: cfg.starts, names: newNames(),
		nodes: map[string]*node{}, puppets: map[string]*actor{}, trace: newTrace(), tempo: tempo{times: 1},
		successors: newSuccessors(c), retired: map[string]string{},
	}
	s.relays = newRelays(c, s.trace)
	if p, ok := d.(oracle.Paced); ok && p.Paced() && c != nil {
		s.tempo.times = paceOf(c, cfg.Pace)
	}
	if c != nil {
		s.omit = c.Header.Omit
		for _, st := range c.Steps() {
			s.pauses = s.pauses || st.Actor == "pause"
		}
	}
	return s
}

// output is what a verb produced: canonical text before folding and masks, and
// the kind of answer it is, by which masks are chosen.
type output struct {
	kind  string
	lines []string
	// errorReply is set when a node answered with an error.
	errorReply bool
	// owed is set when a reply did not come in time: it may still come.
	owed bool
	// lacks is what the server does not have that the step needs.
	lacks string
	// exact is what nodes that agree have in common beyond what the lines show.
	exact string
}

// perform executes one step and returns the side's answer to it. Whatever goes
// wrong is in the answer.
func (s *side) perform(ctx context.Context, st *scenario.Step) *verdict.Answer {
	start := time.Now()
	s.trace.step(st)
	out, err := s.execute(ctx, st)
	a := s.canonical(out)
	if err == nil {
		err = s.checkInvariants(ctx, out)
	}
	a.Lacks = out.lacks
	var need *oracle.NeedError
	switch {
	case errors.As(err, &need):
		a.Lacks = need.Lacks()
	case err != nil:
		a.Fault = s.fault(explainEnd(ctx, err))
	}
	a.Duration = time.Since(start)
	s.trace.answer(a)
	return a
}

// explainEnd adds to err why ctx has ended, where that is more than err says.
func explainEnd(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && cause != ctx.Err() {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// execute finds the verb of a step and runs it.
func (s *side) execute(ctx context.Context, st *scenario.Step) (output, error) {
	v, c := resolve(st, func(name string) bool { return s.puppets[name] != nil })
	if v == nil {
		return output{}, fmt.Errorf("line %d: puppet %s: no such verb; there are %s", st.Line, c.actor, verbNames(OnPuppet))
	}
	c.side = s
	out, err := v.run(ctx, c)
	if err != nil {
		if _, ok := errors.AsType[*faultError](err); ok {
			return out, err
		}
		return out, fmt.Errorf("line %d: %w", st.Line, err)
	}
	return out, nil
}

// canonical folds and masks an output.
func (s *side) canonical(out output) *verdict.Answer {
	folded := make([]string, len(out.lines))
	for i, l := range out.lines {
		folded[i] = s.names.fold(l)
	}
	masked, used := mask.Apply(mask.Context{Kind: out.kind}, slices.Clone(folded))
	return &verdict.Answer{Lines: masked, Raw: folded, Masks: used}
}

// faultError is an error that is a server's fault, not the harness's.
type faultError struct{ verdict.Fault }

func (f *faultError) Error() string {
	return fmt.Sprintf("node %s: %s: %s", f.Node, f.Kind, f.Detail)
}

// fault turns an error into the fault it stands for. An error of the harness on
// a side whose node has died is the node's fault.
func (s *side) fault(err error) *verdict.Fault {
	if dead := s.crashed(); dead != nil {
		return dead
	}
	if f, ok := errors.AsType[*faultError](err); ok {
		f.Detail = s.names.fold(f.Detail)
		return &f.Fault
	}
	return &verdict.Fault{Kind: verdict.FaultHarness, Detail: s.names.fold(err.Error())}
}

// crashed reports the first node that ended although no step ended it.
func (s *side) crashed() *verdict.Fault {
	for _, name := range s.order {
		n := s.nodes[name]
		if n.down {
			continue
		}
		select {
		case <-n.live.Done():
			return &verdict.Fault{Kind: verdict.FaultCrash, Node: name, Detail: s.names.fold(n.end())}
		default:
		}
	}
	return nil
}

// close stops everything and returns the evidence.
func (s *side) close() *verdict.Side {
	ev := &verdict.Side{NodeLogs: s.retired, NodesConf: map[string][]byte{}, Makes: s.makes()}
	for _, p := range s.puppets {
		_ = p.Puppet.Close() // what fails here has nothing left to lose
	}
	if err := s.relays.stop(); err != nil {
		s.trace.note(err.Error())
	}
	for _, name := range s.order {
		n := s.nodes[name]
		n.closeConns()
		n.down = true
		ev.NodeLogs[s.fileName(n)] += n.live.Log()
		if conf, err := n.live.ReadFile("nodes.conf"); err == nil {
			ev.NodesConf[s.fileName(n)] = conf
		}
	}
	for _, name := range s.order { // the end of one is news to the others
		if err := s.nodes[name].live.Stop(); err != nil {
			s.trace.note("node " + name + ": " + err.Error())
		}
	}
	for _, p := range s.puppets {
		p.ports.Release()
	}
	s.relays.release()
	s.successors.release()
	ev.Transcript, ev.Frames = s.trace.finish()
	return ev
}

// node returns a started node by its name in the case.
func (s *side) node(name string) (*node, error) {
	n, ok := s.nodes[name]
	if !ok {
		have := "none"
		if len(s.order) > 0 {
			have = strings.Join(s.order, " ")
		}
		return nil, fmt.Errorf("no node %q has been started (started: %s)", name, have)
	}
	return n, nil
}
