package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/wire/bus"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// patience is how long a side may take for one answer before it is asked whether it lives. It is only spent when
// something is wrong.
const patience = 10 * time.Second

// huntPatience is that of a hunt, in which nobody knows what to wait for.
const huntPatience = 500 * time.Millisecond

// side is one node with the connections that an episode has to it.
type side struct {
	name   string // "oracle" or "target"
	driver oracle.Driver
	node   oracle.Node
	client net.Conn
	reply  *resp.Reader
	ear    listener
	terms
	links [linkCount]*conn
	// port and cport are the node's own.
	port, cport uint16
	// names folds what the node is called, under the id named.
	names *strings.Replacer
	named bus.ID
	// out is what is still to be written to outLink.
	out     []byte
	outLink Link
	// within is how long an answer is waited for in this play, and quit is closed when nobody waits for the play any more.
	within time.Duration
	quit   <-chan struct{}
	// pristine is what the node shows of itself when it has just been started and reset, but for its id.
	pristine string
	// counted is how many packets the node had counted when it had met the actors.
	counted uint64

	mu      sync.Mutex      // also of the in links of links
	inbound [actorCount]int // links that the node dialled in this episode
	newest  [actorCount]*conn
	came    chan struct{} // closed and replaced when one comes
}

// directives of every node of a fuzzed side.
func directives() [][2]string {
	return [][2]string{
		{"cluster-node-timeout", fmt.Sprint(nodeTimeout)},
		// A node that became a replica stays one: elections have timers.
		{"cluster-replica-no-failover", "yes"},
	}
}

func (s *side) start(ctx context.Context, name string) error {
	s.stop()
	n, err := s.driver.Start(ctx, oracle.NodeSpec{Name: name, Directives: directives()})
	if err != nil {
		return err
	}
	s.node, s.pristine, s.names = n, "", nil
	s.port, s.cport = n.Addr().Port(), n.BusAddr().Port()
	if err := s.connect(); err != nil {
		return err
	}
	s.ear.fold = s.fold
	return s.ear.open(n.Addr().String())
}

// connect opens the connection for commands.
func (s *side) connect() (err error) {
	s.client, err = net.DialTimeout("tcp", s.node.Addr().String(), patience)
	if err != nil {
		return err
	}
	s.reply = resp.NewReader(s.client, resp.Limits{})
	return nil
}

func (s *side) stop() {
	s.hangUp(bus.ID{})
	if s.client != nil {
		s.client.Close()
		s.client = nil
	}
	s.ear.close()
	if s.node != nil {
		_ = s.node.Stop() // what is left, the driver's Close ends
		s.node = nil
	}
}

// hangUp closes all links. From now on the node is known by id, and what it dialled under another is not taken.
func (s *side) hangUp(id bus.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.links {
		if c != nil {
			c.close()
			s.links[i] = nil
		}
	}
	s.out = s.out[:0]
	s.id = id
	for a := range s.newest {
		if c := s.newest[a]; c != nil {
			c.close()
		}
		s.newest[a], s.inbound[a] = nil, 0
	}
}

// ask sends commands in one go and reads their replies.
func (s *side) ask(cmds ...[]string) ([]resp.Value, error) {
	var b []byte
	for _, c := range cmds {
		b = resp.AppendCommandStrings(b, c...)
	}
	if err := s.client.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := s.client.Write(b); err != nil {
		return nil, err
	}
	out := make([]resp.Value, len(cmds))
	for i := range cmds {
		v, err := s.reply.Read()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", s.name, strings.Join(cmds[i], " "), err)
		}
		out[i] = v
	}
	return out, nil
}

// grow waits until a node that was just started counts the masters with slots.
func (s *side) grow(ctx context.Context) error {
	if _, err := s.ask([]string{"CLUSTER", "ADDSLOTSRANGE", "0", "0"}); err != nil {
		return err
	}
	look := time.NewTicker(age / 100)
	defer look.Stop()
	for deadline := time.Now().Add(patience); ; {
		r, err := s.ask([]string{"CLUSTER", "INFO"})
		switch {
		case err != nil:
			return err
		case strings.Contains(string(r[0].Str), "cluster_size:1\r"):
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%s: a new node does not count itself", s.name)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// order gives the node a command with canonical ids and ports. With what it changes its listener may subscribe to more.
func (s *side) order(args []string) (resp.Value, error) {
	real := make([]string, len(args))
	for i, a := range args {
		real[i] = s.text(a)
	}
	r, err := s.ask(real)
	if err != nil {
		return resp.Value{}, err
	}
	if err := s.ear.follow(); err != nil {
		return resp.Value{}, fmt.Errorf("%s: %w", s.name, err)
	}
	return r[0], nil
}

// scrub are commands that give a node back what packets in its own name have changed of it, and CLUSTER RESET
// HARD leaves: a setting is applied when it changes. What a setting that a server does not have would change, it does not have either.
var scrub = func() (cmds [][]string) {
	for _, c := range [][3]string{
		{"cluster-announce-ip", "127.0.0.9", ""},
		{"cluster-announce-port", "1", "0"},
		{"cluster-announce-bus-port", "1", "0"},
		{"cluster-announce-hostname", "x", ""},
		{"cluster-announce-human-nodename", "x", ""},
		{"cluster-replica-no-failover", "no", "yes"},
	} {
		cmds = append(cmds, []string{"CONFIG", "SET", c[0], c[1]}, []string{"CONFIG", "SET", c[0], c[2]})
	}
	return cmds
}()

// renew makes the node forget everything until its new id stands to the ids of episodes as nodeID does, which are those of actors and what
// corpora have in packets: 1111..., 3333..., ffff...: of two nodes with one config epoch the id decides who takes another.
func (s *side) renew() error {
	for {
		r, err := s.ask([]string{"CLUSTER", "RESET", "HARD"}, []string{"CLUSTER", "MYID"})
		if err != nil {
			return err
		}
		id := r[1].Str
		switch {
		case r[0].IsError() || len(id) != bus.IDLen:
			return fmt.Errorf("%s: CLUSTER RESET HARD: %s, then the id is %q", s.name, resp.Text(r[0]), id)
		case '4' <= id[0] && id[0] <= 'e':
			return nil
		}
	}
}

// reset makes the node forget everything and learns its new id. What remains must be what it was after its start.
func (s *side) reset() error {
	if err := s.renew(); err != nil {
		return err
	}
	cmds := slices.Clip(scrub)
	r, err := s.ask(append(cmds, []string{"CLUSTER", "MYID"}, []string{"CLUSTER", "NODES"}, []string{"CLUSTER", "SHARDS"}, []string{"ROLE"})...)
	if err != nil {
		return err
	}
	for i := range cmds {
		if r[i].IsError() && !strings.HasPrefix(resp.Text(r[i]), "-ERR Unknown option") {
			return fmt.Errorf("%s: %v: %s", s.name, cmds[i], resp.Text(r[i]))
		}
	}
	r = r[len(cmds):]
	nodes := string(r[1].Str)
	if !slices.Equal(roleLines(r[3]), []string{"master"}) || len(r[0].Str) != bus.IDLen || strings.Count(nodes, "\n") != 1 || !strings.Contains(nodes, "myself,master,nofailover") {
		return fmt.Errorf("%s: CLUSTER RESET HARD leaves %q", s.name, nodes)
	}
	s.hangUp(bus.ID(r[0].Str))
	if err := s.ear.forget(); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	// Without the time at which others have heard of the node, which some versions take over and keep, and without the id of its shard.
	now := strings.Join(s.canonical("CLUSTER NODES", textLines(nodes)), "\n") + "\n" +
		hexID.ReplaceAllString(strings.Join(s.canonical("CLUSTER SHARDS", textLines(resp.Text(r[2]))), "\n"), "<id>")
	if s.pristine == "" {
		s.pristine = now
	}
	if now != s.pristine {
		return fmt.Errorf("%s: CLUSTER RESET HARD leaves %s", s.name, firstDifference(s.pristine, now))
	}
	return nil
}

// accept takes a link to an actor if it is the node, under the id that it has now, who dialled.
func (s *side) accept(a int, c *conn, id bus.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id != id {
		return false
	}
	if old := s.newest[a]; old != nil && old != s.links[Link{a, In}.index()] {
		old.nc.Close()
	}
	s.newest[a] = c
	s.inbound[a]++
	close(s.came)
	s.came = make(chan struct{})
	return true
}

// dialTime is how long a node may take to dial again: ticks of a machine under load.
const dialTime = 3 * time.Second

var errNoDial = errors.New("the node does not dial")

// awaitDial waits for the nth link that the node dials to an actor, and makes it the actor's in link.
func (s *side) awaitDial(a, n int) error {
	timeout := time.NewTimer(dialTime)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		c, have, came := s.newest[a], s.inbound[a], s.came
		s.mu.Unlock()
		if have >= n {
			s.mu.Lock()
			defer s.mu.Unlock()
			if old := s.links[Link{a, In}.index()]; old != nil && old != c {
				old.close()
			}
			s.links[Link{a, In}.index()] = c
			return nil
		}
		select {
		case <-came:
		case <-timeout.C:
			return errNoDial
		case <-s.quit:
			return errNoDial
		}
	}
}

func (s *side) dial(l Link) error {
	s.hang(l)
	nc, err := net.DialTimeout("tcp", s.node.BusAddr().String(), patience)
	if err != nil {
		return err
	}
	s.links[l.index()] = &conn{nc: nc}
	return nil
}

func (s *side) hang(l Link) {
	if c := s.links[l.index()]; c != nil {
		c.close()
		s.links[l.index()] = nil
	}
}

// closeWrite tells the node that nothing more comes on a link.
func (s *side) closeWrite(l Link) {
	if c := s.links[l.index()]; c != nil {
		_ = c.nc.(*net.TCPConn).CloseWrite()
	}
}

// queue takes a canonical frame in this side's terms, to be written with what comes behind it.
func (s *side) queue(st *step) {
	if s.links[st.link.index()] == nil {
		return
	}
	if st.link != s.outLink || len(s.out) > segmentBytes {
		s.flush()
	}
	s.outLink = st.link
	if st.times > 1 || len(st.cuts) == 0 {
		for range max(1, st.times) {
			s.out = localise(s.out, st.frame, &s.terms)
		}
		return
	}
	s.flush()
	s.out = localise(s.out, st.frame, &s.terms)
	whole, from := s.out, 0
	for _, cut := range st.cuts {
		if cut > from && cut < len(whole) {
			s.out = whole[from:cut]
			s.flush()
			from = cut
		}
	}
	s.out = append(whole[:0], whole[from:]...)
}

// flush writes what is queued. A link that is gone is told by who reads it.
func (s *side) flush() {
	if c := s.links[s.outLink.index()]; c != nil && len(s.out) > 0 {
		_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
		_, _ = c.nc.Write(s.out)
	}
	s.out = s.out[:0]
}

// await reads until n frames have come on a link, or, with gone, until the node has closed it. It reports
// what was missing.
func (s *side) await(l Link, n int, gone bool, within time.Duration) error {
	if c := s.links[l.index()]; c != nil {
		return c.await(n, gone, within, s.quit)
	}
	return fmt.Errorf("there is no link %s", l)
}

// received is how many packets the node says that it has counted.
func (s *side) received() (uint64, error) {
	r, err := s.ask([]string{"CLUSTER", "INFO"})
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(r[0].Str), "cluster_stats_messages_received:")
	digits, _, _ := strings.Cut(after, "\r")
	return strconv.ParseUint(digits, 10, 64)
}

// awaitReceived asks until the node has counted n packets since it met the actors. Nobody but them sends it any, and it counts
// a packet before it handles it and answers no one in between.
func (s *side) awaitReceived(n uint64, within time.Duration) error {
	for deadline := time.Now().Add(within); ; {
		have, err := s.received()
		switch {
		case err != nil:
			return err
		case have >= s.counted+n:
			return nil
		case time.Now().After(deadline) || over(s.quit):
			return fmt.Errorf("%d packets of %d received", have-s.counted, n)
		}
	}
}

// ended reports whether the server's process is gone.
func (s *side) ended() bool {
	select {
	case <-s.node.Done():
		return true
	default:
		return false
	}
}

// pulse is how long a server may take to answer a PING, three times, before it counts as hanging, and how long it may be writing its crash report.
const (
	pulse    = time.Second
	lastWord = 3 * time.Second
)

// health says whether the server has crashed ("crash"), hangs ("hang") or works (""). Triage asks again, with more patience.
func (s *side) health() string {
	if s.ended() {
		return "crash"
	}
	for range 3 {
		nc, err := net.DialTimeout("tcp", s.node.Addr().String(), patience)
		if err != nil {
			continue
		}
		_ = nc.SetDeadline(time.Now().Add(pulse))
		_, _ = nc.Write([]byte("PING\r\n"))
		b := make([]byte, 7)
		_, err = io.ReadFull(nc, b)
		nc.Close()
		if err == nil {
			return ""
		}
	}
	// One that is writing its crash report does not answer either.
	select {
	case <-s.node.Done():
		return "crash"
	case <-time.After(lastWord):
		return "hang"
	}
}
