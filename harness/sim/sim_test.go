package sim

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A formed cluster survives the loss of a master and takes it back as a replica.
func TestFailover(t *testing.T) {
	for _, meet := range []bool{false, true} {
		setup := DefaultSetup(1)
		setup.Meet = meet
		st, err := Run(&Schedule{setup, []Event{
			{5000, &Behead{Slot: 5}}, {0, &Converge{60_000}}, {1000, &StartAll{}}, {0, &Converge{60_000}},
		}}, Options{})
		if err != nil || st.Elections != 1 {
			t.Errorf("meet=%v: %d elections, %v", meet, st.Elections, err)
		}
	}
}

const storm = `
# A bit of everything.
cluster seed=9 nodes=7 masters=3 timeout=1000 validity=10 barrier=1 meet=true
+1000 split side=n0,n3
+700 delay from=n1 to=n2 ms=40 max-jitter=30
+0 drop from=n2 to=n4 share=200
+2000 crash host=n1 point=after-sends sends=2
+300 skew host=n5 jump=2000 rate=1100
+0 lag host=n6 ms=3000
+4000 heal
+100 kill host=n2
+900 start-all
+0 sever from=n0 to=n1
+0 half-open from=n3 to=n0
+2000 pause host=n4 ms=1500
+100 force-failover host=n5
+3000 converge within=60000
+0 move lo=100 hi=220 to=n0
+0 bump host=n2
+10 converge within=60000
`

func parse(t *testing.T, text string) *Schedule {
	t.Helper()
	var s Schedule
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return &s
}

// The same schedule gives the same run, byte for byte; another seed gives another.
func TestDeterminism(t *testing.T) {
	s := parse(t, storm)
	trace := func() []byte {
		var b bytes.Buffer
		if _, err := Run(s, Options{Trace: &b, Log: true}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	first, second := trace(), trace()
	if len(first) < 100_000 || !bytes.Equal(first, second) {
		t.Errorf("traces of %d and %d bytes differ", len(first), len(second))
	}
	s.Seed++
	if bytes.Equal(first, trace()) {
		t.Error("another seed gives the same run")
	}
}

func TestScheduleText(t *testing.T) {
	s := parse(t, storm)
	for _, op := range Ops() {
		s.Events = append(s.Events, Event{3, op})
	}
	for i, ev := range s.Events {
		if split, ok := ev.Op.(*Split); ok {
			split.Side = Hosts{1, 2}
		}
		if _, ok := ev.Op.(*Blackout); ok {
			s.Events[i].Op = &Blackout{From: 2, Count: 3}
		}
		if skew, ok := ev.Op.(*Skew); ok {
			s.Events[i].Op = &Skew{Host: skew.Host, Rate: 900}
		}
	}
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parse(t, string(text)).MarshalText()
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("%v: %s\nbecomes\n%s", err, text, again)
	}
}

func TestScheduleErrors(t *testing.T) {
	const head = "cluster seed=1 nodes=3 masters=3\n"
	for text, want := range map[string]string{
		"":                             "empty",
		"+0 heal":                      "line 1",
		"cluster nodes=3 masters=4":    "4 masters among 3",
		"cluster sed=3":                `no field "sed"`,
		head + "heal":                  "line 2",
		head + "+-1 heal":              "is no time",
		head + "+1 hale":               `called "hale"`,
		head + "+1 kill host=n3":       "no host n3",
		head + "+1 kill host=n03":      "is no host",
		head + "+1 kill hst=n1":        `no field "hst"`,
		head + "+1 kill host=n1 host=": "new field=value",
		head + "+1 skew host=n1":       "neither stops nor falls",
		head + "+1 blackout count=4":   "no machines",
		head + "+1 reset hard=maybe":   "invalid syntax",
		head + "+1 crash point=later":  `called "later"`,
		head + "+1 move lo=9 hi=3":     "no slots",
	} {
		var s Schedule
		if err := s.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Data that was not synced is lost with the power, and only with it.
func TestDisk(t *testing.T) {
	var d disk
	d.write([]byte("a"), true)
	d.write([]byte("b"), false)
	if d.losePower(false); string(d.cached) != "a" {
		t.Errorf("without write-back: %q", d.cached)
	}
	d.write([]byte("b"), false)
	if d.losePower(true); string(d.cached) != "b" || string(d.durable) != "b" {
		t.Errorf("with write-back: %q", d.cached)
	}
}

func TestClock(t *testing.T) {
	c := clock{base: epoch, rate: 1000}
	c.skew(100, 50, 1500)
	if got := c.local(102); got != epoch+153 {
		t.Errorf("local time %d", got-epoch)
	}
	for want := epoch + 150; want < epoch+200; want++ {
		if w := c.world(want, 0); c.local(w) < want || c.local(w-1) >= want {
			t.Errorf("the clock shows %d first at %d", want-epoch, w)
		}
	}
}

// BenchmarkSecond is the cost of a virtual second of a quiet cluster with the default node timeout. Other
// load on the machine does not count: xreal is virtual time by CPU time of the process.
func BenchmarkSecond(b *testing.B) {
	for _, nodes := range []int{10, 30, 100, 300, 1000} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			before := heap()
			s := settled(b, nodes)
			after := heap()
			start, cpu := s.Stats(), cpuTime(b)
			b.ResetTimer()
			for range b.N {
				if err := s.Advance(1000); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			st := s.Stats()
			cpu = cpuTime(b) - cpu
			b.ReportMetric(float64(st.Frames-start.Frames)/float64(b.N), "frames/op")
			b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(st.Millis-start.Millis)*float64(time.Millisecond)/float64(cpu), "xreal")
			b.ReportMetric(float64(after-before)/float64(nodes)/1024, "KiB/node")
		})
	}
}

// heap is what is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// cpuTime is what the process has used of its processors.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// settled is a cluster whose members are all connected.
func settled(tb testing.TB, nodes int) *Sim {
	tb.Helper()
	s, err := New(Setup{Seed: 1, Nodes: nodes, Masters: max(3, nodes/3), Timeout: 15_000, Barrier: 1}, Options{})
	if err == nil {
		err = s.Advance(20_000)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
