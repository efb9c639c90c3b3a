package oracle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// childEnv makes the test binary reserve ports and wait to be killed.
const childEnv = "SLOTDIFF_TEST_PORTS_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		for range 5 {
			p, err := AcquirePort()
			if err != nil {
				fmt.Println("error:", err)
				os.Exit(1)
			}
			fmt.Println(p.Client())
		}
		fmt.Println("held")
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestParseSpec(t *testing.T) {
	good := []string{
		"auto", "container", "container:redis:8.6", "container:localhost/a/b:1", "process", "process:/usr/bin/redis-server",
		"debian:redis@8.6", "debian:valkey@9", "debian:redis", "addr:127.0.0.1:7000", "addr:127.0.0.1:7000,127.0.0.1:7001",
		"addr:[::1]:7000", "recorded", "bundled", "cmd:./server {conf} --x",
	}
	for _, s := range good {
		sp, err := ParseSpec(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if sp.String() != s {
			t.Errorf("%s: String is %s", s, sp)
		}
	}
	if sp, err := ParseSpec("addr:localhost:7000"); err != nil || sp.String() != "addr:127.0.0.1:7000" {
		t.Errorf("localhost: %v, %v", sp, err)
	}
	bad := map[string]string{
		"":                        "no such kind",
		"docker":                  "no such kind",
		"auto:x":                  "takes no argument",
		"container:":              "nothing follows",
		"container:a b":           "no blanks",
		"debian:memcached":        "neither redis nor valkey",
		"debian:redis@":           "not a dotted number",
		"debian:redis@new":        "not a dotted number",
		"debian":                  "neither redis nor valkey",
		"addr:example.org:7000":   "numeric host",
		"addr:10.1.2.3:7000":      "not on loopback",
		"addr:127.0.0.1":          "not HOST:PORT",
		"addr:127.0.0.1:0":        "port 0",
		"addr:127.0.0.1:70000":    "not HOST:PORT",
		"addr:127.0.0.1:7000,":    "not HOST:PORT",
		"cmd":                     "no command",
		"recorded:cases/x":        "takes no argument",
		"process:":                "nothing follows",
		"addr:127.0.0.1:7000:8.6": "not HOST:PORT",
	}
	for s, want := range bad {
		_, err := ParseSpec(s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want it to say %q", s, err, want)
			continue
		}
		for _, f := range SpecForms() {
			if !strings.Contains(err.Error(), f.Form) {
				t.Errorf("%q: the error does not list %s", s, f.Form)
			}
		}
	}
}

func TestCapabilities(t *testing.T) {
	if AllCapabilities.String() != strings.Join(CapabilityNames(), " ") {
		t.Errorf("names: %s", AllCapabilities)
	}
	var all Capabilities
	for _, n := range CapabilityNames() {
		c, err := ParseCapability(n)
		if err != nil || c.String() != n {
			t.Errorf("%s: %v, %v", n, c, err)
		}
		all |= c
	}
	if all != AllCapabilities {
		t.Errorf("all names together are %s", all)
	}
	if _, err := ParseCapability("fly"); err == nil || !strings.Contains(err.Error(), "kill") {
		t.Errorf("unknown: %v", err)
	}
	if m := (CapKill | CapLog).Missing(CapKill | CapFiles); m != CapFiles {
		t.Errorf("missing: %s", m)
	}
	if Capabilities(0).String() != "nothing" || AllCapabilities.Has(capEnd) || !AllCapabilities.Has(CapFresh) {
		t.Error("edges of the set")
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		have, want string
		ok         bool
	}{
		{"8.6.3", "8.6", true},
		{"8.6.3", "8", true},
		{"8.6.3", "", true},
		{"8.6.3", "8.6.3", true},
		{"8.60.1", "8.6", false},
		{"8.6.30", "8.6.3", false},
		{"7.0.15", "8", false},
		{"8.6", "8.6.3", false},
	} {
		if MatchVersion(c.have, c.want) != c.ok {
			t.Errorf("%s matches %s: want %v", c.have, c.want, c.ok)
		}
	}
	id := Identity{Product: "redis", Version: "8.6.3"}
	if !id.AtLeast(8, 6) || !id.AtLeast(7, 9) || id.AtLeast(8, 7) || id.AtLeast(9, 0) || (Identity{Version: "dev"}).AtLeast(0, 0) {
		t.Error("AtLeast")
	}
	if err := id.CheckVersion("redis", "8.6"); err != nil {
		t.Error(err)
	}
	if err := id.CheckVersion("valkey", ""); err == nil || !strings.Contains(err.Error(), "redis 8.6.3") {
		t.Error(err)
	}
}

func TestConfText(t *testing.T) {
	got := ConfText([][2]string{{"port", "1"}, {"save", ""}}, [][2]string{{"SAVE", "60 1"}, {"save", "90 1"}, {"dir", QuoteConf("a \"b\\\x01")}})
	want := "port 1\nSAVE 60 1\nsave 90 1\ndir \"a \\\"b\\\\\\x01\"\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, d := range [][2]string{
		{"PORT", "1"},
		{"dir", "x"},
		{"", ""},
		{"a b", ""},
		{"x", "1\nport 3"},
		{"bind", "*"},
		{"bind", "127.0.0.1 10.0.0.1"},
		{"bind", "127.0.0.2"},
		{"port", "6379"},
		{"cluster-port", "6379"},
	} {
		if CheckDirectives([][2]string{d}) == nil {
			t.Errorf("%q is let through", d)
		}
	}
	for _, d := range [][2]string{
		{"cluster-node-timeout", "2000"},
		{"bind", "127.0.0.1 -::1 -192.0.2.1"},
		{"bind", `""`},
		{"port", "55536"},
		{"port", "x"},
		{"cluster-port", FreePort},
		{"cluster-port", "20000"},
	} {
		if err := CheckDirectives([][2]string{d}); err != nil {
			t.Error(err)
		}
	}
	only := Defaults(func(n string) bool { return n == "save" })
	if len(only) != 1 || only[0] != [2]string{"save", ""} {
		t.Errorf("defaults of a server that knows save alone: %q", only)
	}
}

func TestPlaceBus(t *testing.T) {
	in := [][2]string{{"save", ""}, {"cluster-port", FreePort}}
	placed, spare, err := PlaceBus(in)
	if err != nil || spare == nil {
		t.Fatal(spare, err)
	}
	defer spare.Release()
	if want := strconv.Itoa(int(spare.Client())); placed[1][1] != want || in[1][1] != FreePort {
		t.Errorf("%q of %q, want port %s", placed, in, want)
	}
	if placed, spare, err := PlaceBus(in[:1]); len(placed) != 1 || spare != nil || err != nil {
		t.Error(placed, spare, err)
	}
}

func TestPortsAreUniqueAndFree(t *testing.T) {
	seen := map[uint16]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var held []*Port
	for range 8 {
		wg.Go(func() {
			for range 10 {
				p, err := AcquirePort()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[p.Client()] || p.Client() < PortMin || p.Client() > PortMax || p.Bus() != p.Client()+10000 {
					t.Errorf("port %d, bus %d", p.Client(), p.Bus())
				}
				seen[p.Client()] = true
				held = append(held, p)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, p := range held {
		p.Release()
		p.Release()
	}
}

func TestPortsTakenByStrangers(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, bus := range []bool{false, true} {
		for _, host := range []string{"127.0.0.1", "0.0.0.0"} {
			var a allocator
			p, err := a.acquire()
			if err != nil {
				t.Fatal(err)
			}
			port := p.Client() + 1
			if port > PortMax {
				port = PortMin
			}
			listen := port
			if bus {
				listen += BusOffset
			}
			l, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", host, listen))
			if err != nil {
				t.Skipf("port %d is taken already: %v", listen, err)
			}
			q, err := a.acquire()
			if err != nil {
				t.Fatal(err)
			}
			if q.Client() == port {
				t.Errorf("port %d was given out although %s is listened on", port, l.Addr())
			}
			l.Close()
			a.lock.Close()
		}
	}
}

func TestPortsAcrossProcesses(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text []byte
	for !bytes.Contains(text, []byte("held\n")) {
		buf := make([]byte, 256)
		n, err := out.Read(buf)
		text = append(text, buf[:n]...)
		if err != nil {
			t.Fatalf("child: %v after %q", err, text)
		}
	}
	var first int
	if _, err := fmt.Sscan(string(text), &first); err != nil {
		t.Fatal(err)
	}
	// An allocator of this process that would give the child's first port next.
	next := func() uint16 {
		var a allocator
		p, err := a.acquire()
		if err != nil {
			t.Fatal(err)
		}
		p2 := p.Client()
		a.next = first - PortMin
		if int(p2) != first {
			q, err := a.acquire()
			if err != nil {
				t.Fatal(err)
			}
			p2 = q.Client()
		}
		a.lock.Close()
		return p2
	}
	if got := next(); int(got) == first {
		t.Errorf("port %d was given out twice", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if got := next(); int(got) != first {
		t.Errorf("after the holder was killed: got %d, want its %d", got, first)
	}
}

func TestLogBuffer(t *testing.T) {
	var l LogBuffer
	var all []byte
	var marks []int
	for range 300 {
		p := bytes.Repeat([]byte{byte('a' + rand.IntN(26))}, rand.IntN(8<<10))
		marks = append(marks, l.Mark())
		l.Append(p)
		all = append(all, p...)
	}
	if l.String() != string(all) {
		t.Fatal("a short log is not kept whole")
	}
	for _, m := range marks {
		if l.Since(m) != string(all[m:]) {
			t.Fatalf("since %d is wrong", m)
		}
	}
	for range 20 {
		p := bytes.Repeat([]byte{byte('A' + rand.IntN(26))}, 1<<20)
		l.Append(p)
		all = append(all, p...)
	}
	s := l.String()
	if len(s) > logHead+2*logTail || !strings.HasPrefix(s, string(all[:logHead])) || !strings.HasSuffix(s, string(all[len(all)-logTail:])) || !strings.Contains(s, "dropped") {
		t.Errorf("a long log of %d bytes became %d", len(all), len(s))
	}
	if l.Mark() != len(all) || l.Since(len(all)-10) != string(all[len(all)-10:]) {
		t.Error("marks are off after the middle was dropped")
	}
}

func TestLogFollow(t *testing.T) {
	for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader} {
		var l LogBuffer
		seen := make(chan struct{})
		text := "* Running\n* Ready to accept connections tcp\n* Ready to accept connections unix\n"
		l.Follow(wrap(strings.NewReader(text)), "Ready to accept", seen)
		select {
		case <-seen:
		default:
			t.Error("the line was not seen")
		}
		if l.String() != text {
			t.Errorf("log is %q", l.String())
		}
	}
	var l LogBuffer
	seen := make(chan struct{})
	l.Follow(strings.NewReader("Ready to\naccept"), "Ready to accept", seen)
	select {
	case <-seen:
		t.Error("seen what is not there")
	default:
	}
}

func TestExitError(t *testing.T) {
	log := strings.Repeat("noise\n", 50) + "=== REDIS BUG REPORT START: Cut & paste starting from here ===\ncrashed by signal: 11\n" + strings.Repeat("stack\n", 50)
	e := NewExitError("a", "signal: segmentation fault", log)
	if !e.Crashed || !strings.HasPrefix(e.Log, "=== REDIS BUG REPORT") || strings.Count(e.Log, "\n") > 20 {
		t.Errorf("crash: %v", e)
	}
	e = NewExitError("a", "exit status 1", strings.Repeat("noise\n", 50)+"Bad directive\n")
	if e.Crashed || !strings.HasSuffix(e.Log, "Bad directive") || !strings.Contains(e.Error(), "node a: server ended: exit status 1") {
		t.Errorf("exit: %v", e)
	}
	var se error = &StartError{Node: "a", Stage: "start", Cause: e}
	var back *ExitError
	if !errors.As(se, &back) || strings.Count(se.Error(), "node a") != 1 {
		t.Errorf("start error: %v", se)
	}
}
