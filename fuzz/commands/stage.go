package commands

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/harness/puppet"
)

// stage is the two sides with the puppets, which both share: so ports and ids of the others are equal on both.
type stage struct {
	sides  [2]*side // oracle, target
	pups   []*puppet.Puppet
	stands *topology // what stands, if nothing has changed its table since
}

const (
	theOracle = iota
	theTarget
)

func (st *stage) close() {
	st.leave()
	for _, s := range st.sides {
		s.stop()
	}
}

// leave sends the puppets home.
func (st *stage) leave() {
	for _, p := range st.pups {
		_ = p.Close() // nothing of it is wanted any more
	}
	st.pups = nil
}

// build makes the topology from whatever the last episode left. It is that of topology.steps. Epochs outlive an
// episode; where those of the sides have parted, for one side was started again, both are.
func (st *stage) build(ctx context.Context, t *topology) error {
	if err := st.raise(ctx, t); err != nil || st.sameEpochs() {
		return err
	}
	for _, s := range st.sides {
		s.stop()
	}
	return st.raise(ctx, t)
}

func (st *stage) sameEpochs() bool {
	var epochs [2]string
	for i, s := range st.sides {
		v, err := s.probe.do("CLUSTER", "INFO")
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(v.Str)) {
			if strings.Contains(line, "_epoch:") {
				epochs[i] += line
			}
		}
	}
	return epochs[theOracle] == epochs[theTarget]
}

// raise is build, whatever the epochs.
func (st *stage) raise(ctx context.Context, t *topology) error {
	st.leave()
	st.stands = nil
	for _, s := range st.sides {
		if _, err := s.start(ctx); err != nil {
			return err
		}
		if err := s.reset(t); err != nil {
			return err
		}
	}
	for i, name := range t.peers() {
		p, err := st.puppet(name, "role=master", "slots="+t.slotsOf(name).String(), "currentEpoch=2", fmt.Sprintf("configEpoch=%d", i+1), "auto=pong")
		if err != nil {
			return err
		}
		st.pups = append(st.pups, p)
	}
	for _, s := range st.sides {
		for _, p := range st.pups {
			port, cport := strconv.Itoa(int(p.Addr().Port())), strconv.Itoa(int(p.BusAddr().Port()))
			if v, err := s.probe.do("CLUSTER", "MEET", "127.0.0.1", port, cport); err != nil || v.IsError() {
				return fmt.Errorf("%s: CLUSTER MEET: %s %w", s.name, v.Str, orNil(err))
			}
		}
	}
	for _, s := range st.sides {
		if err := st.claim(ctx, s, t); err != nil {
			return err
		}
	}
	for _, p := range st.pups {
		if err := p.Set("slots=" + t.saidBy(p.Name()).String()); err != nil {
			return err
		}
	}
	for _, s := range st.sides {
		if err := st.own(ctx, s, t); err != nil {
			return err
		}
	}
	return nil
}

// puppet makes one whose ports are not those of a side, which may be in a network of its own: where a reply shows a port it must be
// plain whose that is.
func (st *stage) puppet(name string, words ...string) (*puppet.Puppet, error) {
	for {
		p, err := puppet.New(puppet.Config{Name: name, Seed: nodeSeed, Words: words})
		if err != nil {
			return nil, err
		}
		taken := false
		for _, s := range st.sides {
			for _, port := range []uint16{p.Addr().Port(), p.BusAddr().Port()} {
				taken = taken || port == s.node.Addr().Port() || port == s.node.BusAddr().Port()
			}
		}
		if !taken {
			return p, nil
		}
		defer p.Close() // once another has other ports
	}
}

// again makes the topology once more for ops to be played. Where ops before it left the slot table alone, so
// that the topology still stands, only data and connections have to go.
func (st *stage) again(ctx context.Context, t *topology, ops []op) error {
	stood := st.stands == t
	for _, s := range st.sides {
		stood = stood && s.node != nil && s.probe != nil
	}
	if stood {
		for _, s := range st.sides {
			stood = stood && s.empty() == nil
		}
	}
	if !stood {
		if err := st.build(ctx, t); err != nil {
			return err
		}
	}
	st.stands = t
	for _, o := range ops {
		if o.changesTable() {
			st.stands = nil
		}
	}
	return nil
}

// orNil lets a format name an error that may be nil.
func orNil(err error) error {
	if err == nil {
		return fmt.Errorf("refused")
	}
	return err
}

// claim waits until the puppets are known and lets them claim their slots.
func (st *stage) claim(ctx context.Context, s *side, t *topology) error {
	for _, p := range st.pups {
		id := p.ID()
		if err := s.await(ctx, "the handshake", func(a string) bool { return strings.HasPrefix(a, "integer") }, "CLUSTER", "COUNT-FAILURE-REPORTS", id.String()); err != nil {
			return err
		}
		if err := p.Dial(ctx, s.node.BusAddr(), s.name); err != nil {
			return err
		}
		ping, err := p.Build([]string{"PING"}, nil)
		if err != nil {
			return err
		}
		if err := p.Send(ctx, s.name, ping); err != nil {
			return err
		}
	}
	want := fmt.Sprintf("cluster_slots_assigned:%d\r\n", t.covered())
	return s.await(ctx, want, func(a string) bool { return strings.Contains(a, want) }, "CLUSTER", "INFO")
}

// own does the node's own part.
func (st *stage) own(ctx context.Context, s *side, t *topology) error {
	pID := nodeID("p")
	for _, c := range t.commands() {
		for i := range c {
			if c[i] == "$p.id" {
				c[i] = pID
			}
		}
		if v, err := s.probe.do(c...); err != nil || v.IsError() {
			return fmt.Errorf("%s: %s: %s %w", s.name, strings.Join(c, " "), v.Str, orNil(err))
		}
	}
	// A node that has just started and that is down counts its masters late.
	want := fmt.Sprintf("cluster_state:%s\r\ncluster_slots_assigned:%d\r\n", t.state(), t.covered())
	size := fmt.Sprintf("cluster_size:%d\r\n", t.size())
	return s.await(ctx, want+size, func(a string) bool { return strings.Contains(a, want) && strings.Contains(a, size) }, "CLUSTER", "INFO")
}
