package script

import (
	"context"
	"runtime"
	"runtime/metrics"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// budget ends a script that does too much. As a context it is asked once for every
// instruction; closed is the answer from the one on that is too many, and the
// virtual machine then raises Err, again and again, so that no pcall survives it.
type budget struct {
	instructions int
	bytes        int
	baseline     uint64 // bytes of heap at the start
	sample       []metrics.Sample
	spent        error
}

var _ context.Context = (*budget)(nil)

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// spentError names the limit.
type spentError string

func (e spentError) Error() string { return string(e) }

const (
	tooLong   spentError = "script ended: it ran too many instructions"
	tooBig    spentError = "script ended: it made too many bytes of strings"
	tooMuch   spentError = "script ended: it used too much memory"
	tooThread spentError = "script ended: it made too many coroutines"
)

func newBudget() *budget {
	b := &budget{
		instructions: maxInstructions, bytes: maxStringBytes,
		sample: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}},
	}
	b.baseline = b.heap()
	return b
}

// heapEvery is a power of two: how many instructions pass between two looks at the
// memory. An instruction allocates up to 16 * lua.MaxArrayIndex bytes.
const heapEvery = 128

// Done counts one instruction; a nil channel is never ready.
func (b *budget) Done() <-chan struct{} {
	b.instructions--
	if b.spent != nil {
		return closed
	}
	switch {
	case b.instructions < 0:
		b.spent = tooLong
		return closed
	case b.instructions&(heapEvery-1) == 0 && b.full():
		b.spent = tooMuch
		return closed
	}
	return nil
}

// Err is the limit that was reached.
func (b *budget) Err() error { return b.spent }

// Deadline is part of context.Context; there is none.
func (b *budget) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value is part of context.Context; there are none.
func (b *budget) Value(any) any { return nil }

// full reports whether the heap grew too much. Garbage counts only until a
// collection has been tried.
func (b *budget) full() bool {
	if b.heap() < b.baseline+maxHeapGrowth {
		return false
	}
	runtime.GC()
	return b.heap() >= b.baseline+maxHeapGrowth
}

func (b *budget) heap() uint64 {
	metrics.Read(b.sample)
	return b.sample[0].Value.Uint64()
}

// work pays for n steps of a library function.
func (b *budget) work(l *lua.LState, n int) {
	if b.instructions -= n; b.instructions < 0 && b.spent == nil {
		b.spent = tooLong
	}
	b.check(l)
}

// make pays for a string of n bytes before it is made.
func (b *budget) make(l *lua.LState, n int) {
	if n > b.bytes && b.spent == nil {
		b.spent = tooBig
	}
	b.bytes -= n
	b.check(l)
}

// check raises the error that ends the script.
func (b *budget) check(l *lua.LState) {
	if b.spent != nil {
		l.RaiseError("%s", b.spent)
	}
}
