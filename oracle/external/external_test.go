package external_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/external"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

func do(t *testing.T, a netip.AddrPort, args ...any) any {
	t.Helper()
	c := probe.Client(a)
	defer c.Close()
	v, err := c.Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return v
}

func TestAddresses(t *testing.T) {
	real := oracletest.Redis(t)
	a := oracletest.Start(t, real, oracle.NodeSpec{Name: "a"})
	b := oracletest.Start(t, real, oracle.NodeSpec{Name: "b"})
	d, err := external.Open(t.Context(), []netip.AddrPort{a.Addr(), b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	id := d.Identity()
	if id.Short() != real.Identity().Short() || id.How != oracle.Address || id.Source != fmt.Sprintf("%s,%s", a.Addr(), b.Addr()) {
		t.Errorf("identity: %+v", id)
	}
	if d.Capabilities() != oracle.CapDebug|oracle.CapConf|oracle.CapMany || d.Limit() != 2 {
		t.Errorf("capabilities: %s", d.Capabilities())
	}
	before := fmt.Sprint(do(t, a.Addr(), "CLUSTER", "MYID"))
	n, err := d.Start(t.Context(), oracle.NodeSpec{Name: "n", Directives: [][2]string{{"cluster-node-timeout", "1234"}}})
	if err != nil {
		t.Fatal(err)
	}
	if n.Addr() != a.Addr() || n.BusAddr() != a.BusAddr() {
		t.Errorf("node at %v, bus %v", n.Addr(), n.BusAddr())
	}
	if got := fmt.Sprint(do(t, a.Addr(), "CLUSTER", "MYID")); got == before {
		t.Error("the server was not reset")
	}
	if got := fmt.Sprint(do(t, a.Addr(), "CONFIG", "GET", "cluster-node-timeout")); got != "[cluster-node-timeout 1234]" {
		t.Errorf("directive: %s", got)
	}
	for what, err := range map[oracle.Capabilities]error{
		oracle.CapKill: n.Kill(), oracle.CapRestart: n.Restart(t.Context()), oracle.CapPause: n.Pause(), oracle.CapFiles: n.WriteFile("x", nil),
	} {
		var need *oracle.NeedError
		if !errors.As(err, &need) || need.Need != what {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, spec := range []oracle.NodeSpec{
		{Name: "x", Directives: [][2]string{{"cluster-enabled", "no"}}},
		{Name: "x", Directives: [][2]string{{"no-such-thing", "1"}}},
		{Name: "x", Files: map[string][]byte{"nodes.conf": nil}},
	} {
		var need *oracle.NeedError
		if _, err := d.Start(t.Context(), spec); !errors.As(err, &need) {
			t.Errorf("%v: %v", spec, err)
		}
	}
	second, err := d.Start(t.Context(), oracle.NodeSpec{Name: "m"})
	if err != nil {
		t.Fatal(err)
	}
	var need *oracle.NeedError
	if _, err := d.Start(t.Context(), oracle.NodeSpec{Name: "o"}); !errors.As(err, &need) || need.Need != oracle.CapMany {
		t.Errorf("third of two: %v", err)
	}

	// What a case leaves is wiped when the node is given back.
	do(t, n.Addr(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383)
	do(t, n.Addr(), "CONFIG", "SET", "cluster-require-full-coverage", "no")
	do(t, n.Addr(), "ACL", "SETUSER", "guest", "on", "nopass", "+@all")
	do(t, n.Addr(), "CLUSTER", "MEET", "127.0.0.1", second.Addr().Port())
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(fmt.Sprint(do(t, n.Addr(), "CLUSTER", "NODES")), n.Addr().String()); {
		if time.Now().After(deadline) {
			t.Fatal("the server did not learn its address from a peer")
		}
	}
	// With a password that only the case knows, nobody else gets in any more.
	do(t, n.Addr(), "CONFIG", "SET", "requirepass", "sesame")
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	<-n.Done()
	if n.Err() != nil {
		t.Errorf("after Stop: %v", n.Err())
	}
	if got := fmt.Sprint(do(t, a.Addr(), "CLUSTER", "INFO")); !strings.Contains(got, "cluster_slots_assigned:0") {
		t.Errorf("not wiped: %s", got)
	}
	if got := fmt.Sprint(do(t, a.Addr(), "CONFIG", "GET", "cluster-node-timeout")); got != "[cluster-node-timeout 15000]" {
		t.Errorf("not restored: %s", got)
	}
	if got := fmt.Sprint(do(t, a.Addr(), "ACL", "USERS")); got != "[default]" {
		t.Errorf("users are left: %s", got)
	}
	if got := fmt.Sprint(do(t, a.Addr(), "CLUSTER", "NODES")); !strings.Contains(got, " :") {
		t.Errorf("it still knows the address that a peer told it: %s", got)
	}
	// A server that dies is noticed.
	if err := b.Kill(); err != nil {
		t.Fatal(err)
	}
	<-second.Done()
	if _, ok := errors.AsType[*oracle.ExitError](second.Err()); !ok {
		t.Errorf("after the server died: %v", second.Err())
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestAddressesRefused(t *testing.T) {
	real := oracletest.Redis(t)
	n := oracletest.Start(t, real, oracle.NodeSpec{Name: "a"})
	other := netip.MustParseAddrPort("10.1.2.3:7000")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	for want, addrs := range map[string][]netip.AddrPort{
		"none given":         nil,
		"not on loopback":    {other},
		"named twice":        {n.Addr(), n.Addr()},
		"connection refused": {dead},
	} {
		if _, err := external.Open(t.Context(), addrs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	do(t, n.Addr(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383)
	c := probe.Client(n.Addr())
	defer c.Close()
	// The node leaves its failed state when it has waited a little.
	for c.Set(t.Context(), "k", "v", 0).Err() != nil && t.Context().Err() == nil {
	}
	if _, err := external.Open(t.Context(), []netip.AddrPort{n.Addr()}); err == nil || !strings.Contains(err.Error(), "holds 1 keys") {
		t.Errorf("with a key: %v", err)
	}
	if got := fmt.Sprint(do(t, n.Addr(), "GET", "k")); got != "v" {
		t.Errorf("the key is %s", got)
	}
}

func TestCommand(t *testing.T) {
	bin := oracletest.Binary(t)
	// A relative path, options of its own, a wrapper that is not replaced by the
	// server, and one that logs nothing.
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"server.sh": "exec " + strings.Join(bin.Argv, " ") + " \"$2\" --maxmemory 77mb",
		"wrap.sh":   strings.Join(bin.Argv, " ") + " \"$2\" --maxmemory 77mb; exit $?",
		"quiet.sh":  strings.Join(bin.Argv, " ") + " \"$2\" --maxmemory 77mb >/dev/null",
	} {
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		d, err := external.Command(t.Context(), []string{"." + string(filepath.Separator) + name, "--conf", "{conf}"}, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if id := d.Identity(); id.How != oracle.Command || !strings.Contains(id.Source, name) {
			t.Errorf("%s: %+v", name, id)
		}
		n, err := d.Start(t.Context(), oracle.NodeSpec{Name: "a"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := fmt.Sprint(do(t, n.Addr(), "CONFIG", "GET", "maxmemory")); got != "[maxmemory 80740352]" {
			t.Errorf("%s: %s", name, got)
		}
		if !d.Capabilities().Has(oracle.CapDebug) {
			t.Errorf("%s: %s", name, d.Capabilities())
		}
		a := n.Addr()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if c, err := net.Dial("tcp", a.String()); err == nil {
			c.Close()
			t.Errorf("%s: the server outlives its driver", name)
		}
	}
	// One without DEBUG.
	words := append(append([]string{}, bin.Argv...), "{conf}", "--rename-command", "DEBUG", "\"\"")
	d, err := external.Command(t.Context(), words, nil)
	if err != nil {
		t.Fatal(err)
	}
	if missing := d.Capabilities().Missing(oracle.AllCapabilities); missing != oracle.CapDebug {
		t.Errorf("without DEBUG: cannot %s", missing)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := external.Command(t.Context(), []string{"./absent"}, nil); err == nil {
		t.Error("an absent command was opened")
	}
}
