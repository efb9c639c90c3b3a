package commands

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/slotdiff/slotdiff/harness/puppet"
	"github.com/slotdiff/slotdiff/oracle"
)

// side is one node with its connections.
type side struct {
	name   string // "oracle" or "target"
	driver oracle.Driver
	node   oracle.Node // nil: it has to be started
	id     string
	conns  [conns]*wire
	probe  *wire
	poker  *wire // see poke
	fold   folder
}

// nodeSeed makes the ids of an engine's nodes. The seed of an episode has no part in it: nodes outlive episodes.
const nodeSeed = 1

func nodeID(name string) string { id := puppet.ID(nodeSeed, name); return id.String() }

// start starts the node if it does not run.
func (s *side) start(ctx context.Context) (fresh bool, err error) {
	if s.node != nil {
		select {
		case <-s.node.Done():
			s.stop()
		default:
			return false, nil
		}
	}
	spec := oracle.NodeSpec{Name: nodeName, Directives: [][2]string{{"cluster-node-timeout", settledTimeout}}}
	if s.driver.Capabilities().Has(oracle.CapFiles) {
		// Both sides get the same id, so that replies that show it are equal as they are.
		spec.Files = map[string][]byte{"nodes.conf": []byte(nodeID(nodeName) + " :0@0 myself,master - 0 0 0 connected 0-16383\nvars currentEpoch 0 lastVoteEpoch 0\n")}
	}
	if s.node, err = s.driver.Start(ctx, spec); err != nil {
		return false, fmt.Errorf("%s: %w", s.name, err)
	}
	return true, nil
}

// hangUp closes every connection.
func (s *side) hangUp() {
	for i, c := range s.conns {
		c.close()
		s.conns[i] = nil
	}
	s.probe.close()
	s.poker.close()
	s.probe, s.poker = nil, nil
}

// stop ends the node for good.
func (s *side) stop() {
	s.hangUp()
	if s.node != nil {
		_ = s.node.Stop() // it may be gone already
		s.node = nil
	}
}

// died returns why the node ended, nil while it runs.
func (s *side) died() error {
	select {
	case <-s.node.Done():
		if err := s.node.Err(); err != nil {
			return err
		}
		return errors.New("the server ended")
	default:
		return nil
	}
}

// conn is a connection of the stream.
func (s *side) conn(i int) (*wire, error) {
	if s.conns[i] == nil {
		c, err := dial(s.node.Addr())
		if err != nil {
			return nil, err
		}
		s.conns[i] = c
	}
	return s.conns[i], nil
}

// reset makes the node forget everything but its id and its epochs.
func (s *side) reset(t *topology) error {
	s.hangUp()
	c, err := dial(s.node.Addr())
	if err != nil {
		return err
	}
	s.probe = c
	cmds := [][]string{
		{"FLUSHALL"}, {"SCRIPT", "FLUSH"}, {"FUNCTION", "FLUSH"}, {"CLUSTER", "RESET", "SOFT"}, {"CLUSTER", "MYID"},
	}
	for _, d := range t.directives() {
		if d[0] == "cluster-node-timeout" {
			d[1] = settledTimeout
		}
		cmds = append(cmds, []string{"CONFIG", "SET", d[0], d[1]})
	}
	if s.driver.Capabilities().Has(oracle.CapDebug) {
		cmds = append(cmds, noActiveExpiry)
	}
	if mine := t.addMine(); mine != nil {
		// In the same pipeline, and with no FLUSHALL in between, which lets other things happen: a node without slots
		// finds itself in a minority, and is silent for seconds then.
		cmds = append(cmds, mine)
	}
	r, err := c.pipeline(cmds)
	if err != nil {
		return err
	}
	if r[3].IsError() {
		return fmt.Errorf("%s: CLUSTER RESET: %s", s.name, r[3].Str)
	}
	s.id = string(r[4].Str)
	s.fold = folder{
		s.id:                                    "$a.id",
		strconv.Itoa(int(s.node.Addr().Port())): "$a.port",
		strconv.Itoa(int(s.node.BusAddr().Port())): "$a.cport",
	}
	return nil
}

// empty drops data, scripts and connections. The role stays: a replica has no data.
func (s *side) empty() error {
	for i, c := range s.conns {
		c.close()
		s.conns[i] = nil
	}
	_, err := s.probe.pipeline([][]string{{"FLUSHALL"}, {"SCRIPT", "FLUSH"}, {"FUNCTION", "FLUSH"}})
	return err
}

// await repeats a question until the answer is right.
func (s *side) await(ctx context.Context, what string, right func(answer string) bool, args ...string) error {
	for deadline := time.Now().Add(20 * time.Second); ; {
		v, err := s.probe.do(args...)
		if err != nil {
			return err
		}
		if right(v.Kind.String() + " " + string(v.Str)) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: waited for %s, last answer %q", s.name, what, v.Str)
		}
		t := time.NewTimer(2 * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}
