package runner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// checkInvariants holds every running node of the side against what must be true
// of any cluster node at any time, whatever the case checks (DESIGN §3). What is
// broken is a fault of the server.
func (s *side) checkInvariants(ctx context.Context, out output) error {
	if f := s.crashed(); f != nil {
		return &faultError{*f}
	}
	for _, name := range s.order {
		n := s.nodes[name]
		if n.down || n.frozen || n.auth {
			continue
		}
		id, err := n.check(ctx)
		if err != nil {
			return err
		}
		if id != "" {
			s.names.rename(name, id)
		}
		if out.errorReply {
			if err := n.checkFresh(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *node) broken(format string, args ...any) error {
	return &faultError{verdict.Fault{Kind: verdict.FaultInvariant, Node: n.name, Detail: fmt.Sprintf(format, args...)}}
}

// prober is the harness's own connection to a node.
func (n *node) prober(ctx context.Context) (*conn, error) {
	if n.probe != nil && !n.probe.closed {
		return n.probe, nil
	}
	c, err := dialConn(ctx, n.live.Addr(), "", nil)
	if err != nil {
		return nil, n.explain(ctx, err)
	}
	n.probe = c
	return c, nil
}

// check asks one pipeline of questions, holds the answers against each other, and returns the node's id, "" where it asks for a password.
func (n *node) check(ctx context.Context) (id string, err error) {
	c, err := n.prober(ctx)
	if err != nil {
		return "", err
	}
	r, err := c.pipeline([][]string{{"PING"}, {"CLUSTER", "NODES"}, {"ROLE"}, {"INFO", "replication"}, {"DBSIZE"}})
	if err != nil {
		c.close()
		if fault := n.explain(ctx, nil); fault != nil {
			return "", fault
		}
		return "", n.broken("an idle connection did not answer PING, CLUSTER NODES, ROLE, INFO and DBSIZE: %v", err)
	}
	if r[0].IsError() {
		n.auth = true // requirepass was set by the case: the probe can't look any more
		return "", nil
	}
	id, role, err := n.checkNodes(string(r[1].Str))
	if err != nil {
		return "", err
	}
	if err := n.checkRole(role, r[2], string(r[3].Str)); err != nil {
		return "", err
	}
	if r[4].Int > 0 {
		return id, n.checkKeys(ctx, ownsAll(string(r[1].Str)))
	}
	return id, nil
}

// ownsAll reports whether the node, or the master it follows, owns every slot.
func ownsAll(nodes string) bool {
	slots := map[string]string{} // by node id, as CLUSTER NODES prints them
	owner := ""
	for line := range strings.Lines(nodes) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		slots[f[0]] = strings.Join(f[8:], " ")
		if strings.Contains(f[2], "myself") {
			owner = f[0]
			if f[3] != "-" {
				owner = f[3]
			}
		}
	}
	return slots[owner] == "0-16383"
}

// checkNodes reads CLUSTER NODES and returns the id and role of the line "myself".
func (n *node) checkNodes(text string) (id, role string, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		f := strings.Split(line, " ")
		if len(f) < 8 {
			return "", "", n.broken("CLUSTER NODES: %q has %d fields, want at least 8", line, len(f))
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", "", n.broken("CLUSTER NODES: control character in %q", line)
		}
		if !isID(f[0]) {
			return "", "", n.broken("CLUSTER NODES: %q is not an id of 40 digits and small letters", f[0])
		}
		flags := strings.Split(f[2], ",")
		if err := n.checkAddress(f[1], flags); err != nil {
			return "", "", err
		}
		if !slices.Contains(flags, "myself") {
			continue
		}
		if role != "" {
			return "", "", n.broken("CLUSTER NODES: myself stands twice")
		}
		id = f[0]
		switch {
		case slices.Contains(flags, "master"):
			role = "master"
		case slices.Contains(flags, "slave"):
			role = "slave"
		default:
			return "", "", n.broken("CLUSTER NODES: myself is neither master nor slave: %q", line)
		}
	}
	if role == "" {
		return "", "", n.broken("CLUSTER NODES: no line is myself")
	}
	return id, role, nil
}

// checkAddress reads "ip:port@cport[,hostname...]". A node without address (flag
// noaddr), one that nodes.conf only names, which has no role (noflags, then fail? or fail), and oneself
// before the first MEET may have none.
func (n *node) checkAddress(field string, flags []string) error {
	addr, _, _ := strings.Cut(field, ",")
	if named := []string{"noflags", "fail?", "fail"}; addr == ":0@0" && !slices.ContainsFunc(flags, func(f string) bool { return !slices.Contains(named, f) }) {
		return nil
	}
	hostport, cport, ok := strings.Cut(addr, "@")
	if p, err := strconv.ParseUint(cport, 10, 16); !ok || err != nil || p == 0 && !slices.Contains(flags, "noaddr") {
		return n.broken("CLUSTER NODES: bus port of %q is not a port", field)
	}
	if slices.Contains(flags, "noaddr") {
		return nil
	}
	i := strings.LastIndexByte(hostport, ':')
	if i < 0 {
		return n.broken("CLUSTER NODES: %q is not ip:port@cport", field)
	}
	ip, port := hostport[:i], hostport[i+1:]
	if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 {
		return n.broken("CLUSTER NODES: %q is not a port that can be dialled", port)
	}
	if ip == "" && slices.Contains(flags, "myself") {
		return nil
	}
	if _, err := netip.ParseAddr(ip); err != nil {
		return n.broken("CLUSTER NODES: %q is not an address that can be dialled", ip)
	}
	return nil
}

// isID reports whether Redis takes a text for the id of a node (cluster_legacy.c:verifyClusterNodeId), which need not be hex.
func isID(s string) bool {
	if len(s) != 40 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// checkRole holds ROLE and INFO replication against CLUSTER NODES.
func (n *node) checkRole(role string, reply resp.Value, info string) error {
	if len(reply.Elems) == 0 || string(reply.Elems[0].Str) != role {
		return n.broken("ROLE says %q, CLUSTER NODES says %s", resp.Text(reply), role)
	}
	if !strings.Contains(info, "\nrole:"+role+"\r\n") {
		return n.broken("INFO replication does not say role:%s, CLUSTER NODES does", role)
	}
	return nil
}

// keys returns every key, by slot and name.
func (n *node) keys(ctx context.Context) ([]slotKey, error) {
	c, err := n.prober(ctx)
	if err != nil {
		return nil, err
	}
	v, err := c.do(replyTimeout, "KEYS", "*")
	if err != nil {
		return nil, n.explain(ctx, err)
	}
	out := make([]slotKey, len(v.Elems))
	for i, e := range v.Elems {
		out[i] = slotKey{slot.Of(e.Str), string(e.Str)}
	}
	sortKeys(out)
	return out, nil
}

// checkKeys holds the per-slot index against the keyspace: each slot lists exactly
// the keys that hash to it, and the counts add up to DBSIZE. Redis 8.6 lists and
// counts only the keys of slots that it or its master owns or that it imports
// (cluster.c:clusterCanAccessKeysInSlot), while DBSIZE counts all: unless all slots
// are owned (whole), DBSIZE may be more.
func (n *node) checkKeys(ctx context.Context, whole bool) error {
	keys, err := n.keys(ctx)
	if err != nil {
		return err
	}
	bySlot := map[uint16][]string{}
	var slots []uint16
	for _, k := range keys {
		if bySlot[k.slot] == nil {
			slots = append(slots, k.slot)
		}
		bySlot[k.slot] = append(bySlot[k.slot], k.name)
	}
	cmds := [][]string{{"DBSIZE"}, {"INFO", "keyspace"}}
	for _, s := range slots {
		arg := strconv.Itoa(int(s))
		cmds = append(cmds, []string{"CLUSTER", "COUNTKEYSINSLOT", arg}, []string{"CLUSTER", "GETKEYSINSLOT", arg, "1000000"})
	}
	r, err := n.probe.pipeline(cmds)
	if err != nil {
		return n.explain(ctx, err)
	}
	sum := int64(0)
	for i, s := range slots {
		count, list := r[2+2*i], r[3+2*i]
		sum += count.Int
		for _, e := range list.Elems {
			if got := slot.Of(e.Str); got != s {
				return n.broken("GETKEYSINSLOT %d lists %q, which hashes to %d", s, e.Str, got)
			}
		}
		if count.Int != int64(len(list.Elems)) {
			return n.broken("COUNTKEYSINSLOT %d is %d, GETKEYSINSLOT lists %d", s, count.Int, len(list.Elems))
		}
	}
	// Keys that expired between the two pipelines are gone from both counts. One whose time is over and that is still there is hidden from
	// KEYS, and so is its slot here, if it has no other.
	if r[0].Int < sum || whole && r[0].Int > sum+timed(string(r[1].Str)) {
		return n.broken("DBSIZE is %d, the slots of all keys hold %d", r[0].Int, sum)
	}
	return nil
}

// timed is how many keys have a time, of INFO keyspace.
func timed(keyspace string) (n int64) {
	for line := range strings.Lines(keyspace) {
		_, after, _ := strings.Cut(line, "expires=")
		digits, _, _ := strings.Cut(after, ",")
		if more, err := strconv.ParseInt(digits, 10, 64); err == nil {
			n += more
		}
	}
	return n
}

// checkFresh shows that an error reply left the node working: a fresh connection
// gets an answer to PING, GET and a script, one that only reads: what may write waits while a manual failover
// pauses clients.
func (n *node) checkFresh(ctx context.Context) error {
	c, err := dialConn(ctx, n.live.Addr(), "", nil)
	if err != nil {
		return n.explain(ctx, err)
	}
	defer c.close()
	if _, err := c.pipeline([][]string{{"PING"}, {"GET", "slotdiff:invariant"}, {"EVAL_RO", "return 1", "0"}}); err != nil {
		if fault := n.explain(ctx, nil); fault != nil {
			return fault
		}
		return n.broken("after an error reply a fresh connection did not answer PING, GET and EVAL_RO: %v", err)
	}
	return nil
}

// save makes a node write its nodes.conf.
func (n *node) save(ctx context.Context) error {
	c, err := n.prober(ctx)
	if err != nil {
		return err
	}
	_, err = c.text("CLUSTER", "SAVECONFIG")
	if refused, ok := errors.AsType[*replyError](err); ok {
		return n.broken("CLUSTER SAVECONFIG answers -%s", refused.text)
	}
	return err
}
