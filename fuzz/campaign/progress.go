package campaign

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/triage"
)

// progress shows a campaign while it runs: in place on a terminal, else line by line, or as JSON lines.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	json     bool
	terminal bool
	every    time.Duration
	drawn    bool // a line stands on the terminal that the next output replaces
	last     Totals
	lastAt   time.Time
}

// Status is one line of progress.
type Status struct {
	Type     string             `json:"type"` // "progress"
	TookMS   int64              `json:"took_ms"`
	Episodes uint64             `json:"episodes"`
	Commands uint64             `json:"commands"`
	Packets  uint64             `json:"packets"`
	Rate     float64            `json:"rate"` // commands and packets a second, since the last line
	Tokens   int                `json:"tokens"`
	Findings map[cause.Kind]int `json:"findings"` // groups by kind
	Hits     int                `json:"hits"`
	Waiting  int                `json:"waiting"` // candidates that are not filed yet
}

func newProgress(o Options) *progress {
	p := &progress{w: o.Out, json: o.JSON, terminal: o.Terminal && !o.JSON, every: o.Every}
	if p.w == nil {
		p.w = io.Discard
	}
	if p.every == 0 {
		if p.every = 5 * time.Second; p.terminal {
			p.every = time.Second / 2
		}
	}
	return p
}

// start shows the status again and again until the function that it returns is called.
func (p *progress) start(r *runner) (end func()) {
	p.lastAt = r.start
	p.last = r.state.Totals.clone()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(p.every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.status(r.status())
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

func (r *runner) status() (Status, Totals) {
	groups := r.tri.Groups()
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.sofar()
	s := Status{
		Type: "progress", TookMS: (r.took + r.opts.Now().Sub(r.start)).Milliseconds(), Waiting: r.queued,
		Findings: map[cause.Kind]int{},
	}
	if eng, ok := r.eng.(Underway); ok {
		commands, packets := eng.Underway()
		t.Commands += commands
		t.Packets += packets
	}
	s.Episodes, s.Commands, s.Packets, s.Tokens = t.Episodes, t.Commands, t.Packets, len(t.Tokens)
	for _, g := range groups {
		s.Findings[g.Kind]++
		s.Hits += g.Count
	}
	return s, t
}

func (p *progress) status(s Status, t Totals) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if secs := now.Sub(p.lastAt).Seconds(); secs > 0 {
		s.Rate = max(0, float64(t.Commands+t.Packets)-float64(p.last.Commands+p.last.Packets)) / secs
	}
	p.last, p.lastAt = t, now
	switch {
	case p.json:
		p.object(s)
	case p.terminal:
		fmt.Fprintf(p.w, "\r\x1b[K%s", s)
		p.drawn = true
	default:
		fmt.Fprintln(p.w, s)
	}
}

// String is the line for people.
func (s Status) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %d episodes, %d commands, %d packets, %.0f/s, %d tokens", (time.Duration(s.TookMS) * time.Millisecond).Round(time.Second),
		s.Episodes, s.Commands, s.Packets, s.Rate, s.Tokens)
	sep := "; findings: "
	for _, k := range cause.Kinds() {
		if n := s.Findings[k]; n > 0 {
			fmt.Fprintf(&b, "%s%d %s", sep, n, k)
			sep = ", "
		}
	}
	if s.Hits > 0 {
		fmt.Fprintf(&b, " in %d hits", s.Hits)
	}
	if s.Waiting > 0 {
		fmt.Fprintf(&b, "; %d waiting", s.Waiting)
	}
	return b.String()
}

// clear takes the status off a terminal. p.mu is held.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *progress) object(v any) {
	enc := json.NewEncoder(p.w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // what can not be printed is told when the summary can not be either
}

// found shows a new group as it comes.
func (p *progress) found(g *triage.Group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json {
		p.object(struct {
			Type string `json:"type"`
			*triage.Group
		}{"finding", g})
		return
	}
	p.clear()
	var b strings.Builder
	writeGroup(&b, g)
	fmt.Fprint(p.w, b.String())
}

// summary prints the end of the campaign.
func (p *progress) summary(s *Summary) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.json {
		p.clear()
		return s.WriteText(p.w)
	}
	enc := json.NewEncoder(p.w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Type string `json:"type"`
		*Summary
	}{"summary", s})
}
