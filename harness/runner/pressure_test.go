package runner

import (
	"context"
	"runtime"
	"testing"
	"time"
)

func TestPressure(t *testing.T) {
	t.Parallel()
	p := new(pressure)
	p.note(5*time.Millisecond, pressureTick)
	if got := time.Duration(p.late.Load()); got != 5*time.Millisecond {
		t.Errorf("late by %v", got)
	}
	p.note(time.Second, time.Second)
	p.note(0, pressureTick)
	if got := time.Duration(p.late.Load()); got >= time.Second || got < 900*time.Millisecond {
		t.Errorf("a second of lateness counts for %v a moment later", got)
	}
	for elapsed := pressureTick; elapsed < halfLife; elapsed += pressureTick {
		p.note(0, pressureTick)
	}
	if got := time.Duration(p.late.Load()); got < 499*time.Millisecond || got > 501*time.Millisecond {
		t.Errorf("a second of lateness counts for %v after %v, want half", got, halfLife)
	}
	p.note(time.Second, pressureTick)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	least := 4 * runtime.NumCPU()
	for range least { // so many run on the most busy machine
		p.begin(t.Context())
	}
	begun := make(chan struct{})
	go func() {
		p.begin(t.Context())
		close(begun)
	}()
	select {
	case <-begun:
		t.Error("a case begins under pressure")
	case <-time.After(5 * pressureTick):
	}
	for range 1000 { // ten quiet seconds
		p.note(0, pressureTick)
	}
	<-begun
	p.note(time.Second, time.Second)
	p.begin(ended) // says nothing of ctx; who began sees it
	if got := p.running.Load(); got != int64(least)+2 {
		t.Errorf("%d run, want %d", got, least+2)
	}
	p.end()
	if got := p.running.Load(); got != int64(least)+1 {
		t.Errorf("%d run after one has ended, want %d", got, least+1)
	}
}
