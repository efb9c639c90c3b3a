package runner

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// trace collects what a side leaves as evidence: a transcript for people and the
// traffic for packet tools. It is safe for concurrent use; a nil trace drops all.
type trace struct {
	mu     sync.Mutex
	start  time.Time
	text   bytes.Buffer
	frames []verdict.Frame
	size   int // bytes held in frames
}

// traceLimit bounds the traffic kept of one side of one case, in bytes. What is
// over it is counted in the transcript, not kept.
const traceLimit = 16 << 20

func newTrace() *trace { return &trace{start: time.Now()} }

func (t *trace) step(st *scenario.Step) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(&t.text, "%8.3fs line %d: %s\n", time.Since(t.start).Seconds(), st.Line, st.Text())
}

func (t *trace) answer(a *verdict.Answer) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range a.Raw {
		fmt.Fprintf(&t.text, "%8.3fs     %s\n", time.Since(t.start).Seconds(), l)
	}
	if f := a.Fault; f != nil {
		fmt.Fprintf(&t.text, "%8.3fs     FAULT %s %s: %s\n", time.Since(t.start).Seconds(), f.Kind, f.Node, f.Detail)
	}
}

// note writes a line of the harness's own into the transcript.
func (t *trace) note(text string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(&t.text, "%8.3fs harness: %s\n", time.Since(t.start).Seconds(), text)
}

// frame keeps one chunk of traffic.
func (t *trace) frame(src, dst string, bus bool, data []byte) {
	if t == nil || len(data) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size+len(data) > traceLimit {
		if t.size <= traceLimit {
			fmt.Fprintf(&t.text, "%8.3fs traffic over %d bytes is not kept from here on\n", time.Since(t.start).Seconds(), traceLimit)
			t.size = traceLimit + 1
		}
		return
	}
	t.size += len(data)
	t.frames = append(t.frames, verdict.Frame{At: time.Now(), Src: src, Dst: dst, Bus: bus, Data: bytes.Clone(data)})
}

func (t *trace) finish() ([]byte, []verdict.Frame) {
	if t == nil {
		return nil, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.text.Bytes()), t.frames
}
