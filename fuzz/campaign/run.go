package campaign

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/fuzz/corpus"
	"github.com/slotdiff/slotdiff/fuzz/reduce"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/verdict"
)

// waiting is how many candidates may wait to be worked on before the engine is made to wait.
const waiting = 64

// runner is a campaign in progress.
type runner struct {
	eng   Engine
	opts  Options
	dir   string
	log   *os.File
	tri   *triage.Triage
	start time.Time
	took  time.Duration // in earlier lives

	mu      sync.Mutex
	state   State
	pending map[uint64]*episode // played, not counted yet: by index
	partial Stats               // of the episode that the end of this life cut off
	seen    map[string]bool     // the tokens of all that was played
	kept    int                 // cases put into the corpus
	queued  int                 // candidates that are not filed yet
	failed  error               // the first error, which ends the campaign
	stop    context.CancelFunc  // ends the playing of episodes
	show    *progress
}

// episode is one that has been played and whose candidates are being filed.
type episode struct {
	stats Stats
	left  int // candidates
}

// job is a candidate with the episode it is of.
type job struct {
	index uint64
	c     triage.Candidate
}

// Run runs a campaign to its end and returns the summary, which has been written and printed. It is not nil unless nothing
// could be begun. An interrupted campaign is no error; the summary says so.
func Run(ctx context.Context, eng Engine, opts Options) (*Summary, error) {
	r, err := begin(eng, opts)
	if err != nil {
		return nil, err
	}
	defer r.log.Close()
	playing, stop := context.WithCancel(ctx)
	defer stop()
	if r.opts.Duration > 0 {
		playing, stop = context.WithTimeout(playing, r.opts.Duration)
		defer stop()
	}
	r.stop = stop

	jobs := make(chan job, waiting)
	var workers sync.WaitGroup
	for range r.opts.Workers {
		workers.Go(func() {
			for j := range jobs {
				r.file(ctx, j)
			}
		})
	}
	shown := r.show.start(r)
	r.play(playing, ctx, jobs)
	close(jobs)
	r.hurry()
	workers.Wait()
	shown()
	return r.end(ctx.Err() != nil)
}

func begin(eng Engine, opts Options) (*runner, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Dir == "" {
		opts.Dir = DefaultDir
	}
	if opts.Workers == 0 {
		opts.Workers = 2
	}
	if opts.Duration == 0 && opts.Execs == 0 {
		opts.Duration = DefaultDuration
	}
	r := &runner{eng: eng, opts: opts, start: opts.Now(), pending: map[uint64]*episode{}, seen: map[string]bool{}}
	oracleID, targetID := opts.Triage.Oracle.Identity(), opts.Triage.Target.Identity()
	r.state = State{
		SchemaVersion: stateVersion, Engine: eng.Name(), Seed: opts.Seed, Shard: opts.Shard, Corpus: opts.Corpus,
		Oracle: oracleID.String(), Target: targetID.String(),
		Totals: Totals{Held: map[string]uint64{}, Tokens: map[string]uint64{}},
	}
	var err error
	if opts.Resume != "" {
		err = r.resume()
	} else {
		r.dir, err = newDir(opts.Dir, eng.Name(), r.start)
	}
	if err != nil {
		return nil, err
	}
	r.state.Lives++
	r.state.Next = r.state.Shard.after(r.state.Next)
	if err := pointLatest(filepath.Dir(r.dir), r.dir); err != nil {
		return nil, err
	}
	if r.log, err = os.OpenFile(filepath.Join(r.dir, "log.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	r.show = newProgress(opts)
	t := opts.Triage
	t.Dir, t.OnGroup = filepath.Join(r.dir, "findings"), r.found
	r.tri = triage.New(t)
	r.tri.Restore(r.state.Groups)
	return r, nil
}

// resume takes over the state of an earlier life. What governs the sequence must be the same.
func (r *runner) resume() error {
	dir, s, err := readState(r.opts.Resume)
	if err != nil {
		return err
	}
	for _, same := range []struct{ what, was, is string }{
		{"engine", s.Engine, r.state.Engine},
		{"oracle", s.Oracle, r.state.Oracle},
		{"target", s.Target, r.state.Target},
		{"corpus", s.Corpus, r.state.Corpus},
	} {
		if same.was != same.is {
			return fmt.Errorf("resume: %s: its %s is %s, not %s", dir, same.what, same.was, same.is)
		}
	}
	r.dir, r.state, r.took = dir, *s, time.Duration(s.TookMS)*time.Millisecond
	return nil
}

// play plays episodes until ctx ends or enough are played. Candidates are filed under whole, which outlasts ctx.
func (r *runner) play(ctx, whole context.Context, jobs chan<- job) {
	shard := r.state.Shard
	left := r.opts.Execs - min(r.opts.Execs, r.state.Totals.Episodes)
	for i := r.state.Next; ctx.Err() == nil; i = shard.after(i + 1) {
		if r.opts.Execs > 0 {
			if left == 0 {
				return
			}
			left--
		}
		stats, found, err := r.eng.Episode(ctx, EpisodeSeed(r.state.Seed, i))
		if err != nil {
			if ctx.Err() == nil {
				r.fail(fmt.Errorf("%s: episode %d: %w", r.eng.Name(), i, err))
				return
			}
			// The episode was cut short and is no episode of the sequence, but what it did and what it found are there.
		}
		r.played(i, &episode{stats: stats, left: len(found)}, err == nil)
		for _, c := range found {
			c.Seed, c.Episode = r.state.Seed, int(i)
			if r.opts.Serial || c.Again { // which takes no time
				r.file(whole, job{i, c})
			} else {
				jobs <- job{i, c}
			}
		}
		r.saveState(false)
	}
}

// hurry divides the time of two reductions among the candidates that wait when the playing is over.
func (r *runner) hurry() {
	r.mu.Lock()
	waiting := r.queued
	r.mu.Unlock()
	if waiting > r.opts.Workers {
		budget := cmp.Or(r.opts.Triage.ReduceBudget, reduce.DefaultBudget)
		r.tri.Hurry(2 * budget * time.Duration(r.opts.Workers) / time.Duration(waiting))
	}
}

// played notes an episode and counts those whose candidates are all filed, in order.
func (r *runner) played(i uint64, ep *episode, whole bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queued += ep.left
	if !whole {
		r.partial = ep.stats
		r.partial.Case = nil
		return
	}
	fresh := false
	for _, token := range ep.stats.Tokens {
		if !r.seen[token] && r.state.Totals.Tokens[token] == 0 {
			r.seen[token], fresh = true, true
		}
	}
	if !fresh {
		ep.stats.Case = nil // an episode that waits for its candidates, or for those of one before, holds no more memory than it must
	}
	r.pending[i] = ep
	r.count()
}

// file has a candidate worked on.
func (r *runner) file(ctx context.Context, j job) {
	var err error
	if ctx.Err() == nil {
		_, err = r.tri.Add(ctx, j.c)
	}
	if err != nil && ctx.Err() == nil {
		r.fail(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queued--
	if ep := r.pending[j.index]; ep != nil && ctx.Err() == nil {
		ep.left--
		r.count()
	}
}

// count adds the episodes that are done to the totals, in order. r.mu is held.
func (r *runner) count() {
	for {
		ep := r.pending[r.state.Next]
		if ep == nil || ep.left > 0 {
			return
		}
		delete(r.pending, r.state.Next)
		r.state.Next = r.state.Shard.after(r.state.Next + 1)
		fresh := r.state.Totals.add(&ep.stats)
		if ep.stats.Digest != [sha256.Size]byte{} {
			sum := sha256.Sum256(append([]byte(r.state.Stream), ep.stats.Digest[:]...))
			r.state.Stream = hex.EncodeToString(sum[:])
		}
		if fresh && ep.stats.Case != nil {
			if err := r.keep(&ep.stats); err != nil && r.failed == nil {
				r.failed = err
				r.stop()
			}
		}
	}
}

// keep puts an episode into the campaign's own corpus. What this campaign is seeded with does not grow while it runs.
func (r *runner) keep(s *Stats) error {
	c := s.Case()
	if c == nil {
		return nil
	}
	e, err := corpus.New(c, s.Tokens)
	if err != nil {
		return err
	}
	r.kept++
	return corpus.Write(filepath.Join(r.dir, "corpus"), e)
}

// sofar are the totals with what is played and not counted yet, and with what was done of an episode that was cut off, which is
// none of the episodes. r.mu is held.
func (r *runner) sofar() Totals {
	t := r.state.Totals.clone()
	for _, ep := range r.pending {
		t.add(&ep.stats)
	}
	t.add(&r.partial)
	t.Episodes--
	return t
}

// fail ends the campaign.
func (r *runner) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
	r.stop()
}

// found writes the log line of a new group and shows it.
func (r *runner) found(g triage.Group, res *verdict.Result) {
	own := *res
	own.Case, own.Reason = filepath.ToSlash(g.Path), ""
	switch {
	case !g.Steady() || g.Noise > 0:
		own.Verdict = verdict.Unknown
	case g.Kind.OfOracle():
		own.Verdict = verdict.OracleFault
	default:
		own.Verdict, own.Reason = verdict.Fail, res.Reason
		if g.Known != "" {
			own.Verdict = verdict.Known
		}
	}
	var refs []string
	files, err := os.ReadDir(g.Dir)
	for _, f := range files {
		refs = append(refs, filepath.ToSlash(filepath.Join("findings", filepath.Base(g.Dir), f.Name())))
	}
	line := evidence.NewLine(&own, r.opts.Triage.Oracle.Identity().Short(), g.Replay, refs)
	_, werr := r.log.Write(line.Append(nil))
	if err := errors.Join(err, werr); err != nil {
		r.fail(fmt.Errorf("campaign: log.jsonl: %w", err))
	}
	r.show.found(&g)
	if r.opts.UntilFinding && isFinding(&g) {
		r.stop()
	}
}

// isFinding reports whether a group says something against the target that is not known yet.
func isFinding(g *triage.Group) bool {
	return g.Steady() && g.Noise == 0 && g.Known == "" && !g.Kind.OfOracle()
}

// stateEvery is the least time between two writes of the state.
const stateEvery = 5 * time.Second

// saveState writes the state, now or if the last write is some time ago.
func (r *runner) saveState(now bool) {
	r.mu.Lock()
	took := r.took + r.opts.Now().Sub(r.start)
	if !now && took.Milliseconds()-r.state.TookMS < stateEvery.Milliseconds() {
		r.mu.Unlock()
		return
	}
	r.state.TookMS = took.Milliseconds()
	s := r.state
	s.Totals = s.Totals.clone()
	r.mu.Unlock()
	s.Groups = r.tri.Groups()
	if err := writeJSON(filepath.Join(r.dir, stateFile), &s); err != nil {
		r.fail(err)
	}
}

// end writes and prints the summary.
func (r *runner) end(interrupted bool) (*Summary, error) {
	r.saveState(true)
	sum := r.summary(interrupted)
	err := writeJSON(filepath.Join(r.dir, "summary.json"), sum)
	if perr := r.show.summary(sum); err == nil {
		err = perr
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return sum, errors.Join(r.failed, err)
}

// class is what a token is of: "rule" of "rule:ext-padding".
func class(token string) string {
	c, _, _ := strings.Cut(token, ":")
	return c
}
