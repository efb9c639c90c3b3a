package triage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/harness/evidence"
	"github.com/slotdiff/slotdiff/harness/scenario"
	"github.com/slotdiff/slotdiff/harness/verdict"
	"github.com/slotdiff/slotdiff/oracle"
)

// save files a reduced finding: with the group of its cause, or in one of its own.
func (t *Triage) save(ctx context.Context, f *finding) (*Group, error) {
	g, old := t.reserve(f.cause.Key())
	if old {
		return g, nil
	}
	full := Group{
		Kind: f.cause.Kind, Cause: f.cause.Key(), Title: f.cause.Title, Confirmed: f.confirmed, Noise: f.noise, Times: t.opts.Times,
		Digest: f.result.OutputDigest, Reduction: f.report.String(), Note: f.candidate.Note,
		Seed: f.candidate.Seed, Episode: f.candidate.Episode,
	}
	if t.opts.Known != nil {
		full.Known, _ = t.opts.Known(f.cause, t.opts.Target.Identity())
	}
	if full.Kind.OfOracle() {
		id := t.opts.Oracle.Identity()
		if q := t.opts.Quirks.MatchCase(id.Version, f.small); q != nil && full.Known == "" {
			full.Known = fmt.Sprintf("%s (fixtures/oracle_quirks.txt:%d)", q.Name, q.Line)
		}
		if err := t.judgeSurvival(ctx, &full, f); err != nil {
			t.release(f.cause.Key())
			return nil, err
		}
	}
	return g, t.publish(g, full, f)
}

// reserve finds the group of a key and counts a hit, or makes an empty one for the caller to publish.
func (t *Triage) reserve(key string) (g *Group, old bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g = t.byKey[key]; g != nil {
		g.Count++
		return g, true
	}
	g = &Group{Count: 1}
	t.byKey[key] = g
	return g, false
}

func (t *Triage) release(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byKey, key)
}

// judgeSurvival plays a case that the oracle does not bear on the target alone. What the target suffers is a
// finding of its own, unless another case has shown it already, or it is the very thing that the oracle shows.
func (t *Triage) judgeSurvival(ctx context.Context, g *Group, f *finding) error {
	res, ca := t.survives(ctx, f.small, f.candidate.Seed)
	if err := ctx.Err(); err != nil {
		return err
	}
	if ca == nil {
		g.Survival = "lives"
		return nil
	}
	if f.cause.Kind == OracleCorrupt && ca.Core == f.cause.Core {
		g.Survival = "shows the same" // as strict mode has it: nothing is said against the target
		return nil
	}
	g.Survival = ca.Key()
	own := *f
	own.cause, own.result, own.recording, own.confirmed = *ca, res, f.result, 1
	_, err := t.save(ctx, &own)
	return err
}

// unconfirmed files a candidate that no play has shown again. Its case is kept whole.
func (t *Triage) unconfirmed(c Candidate, whole *scenario.Case, res *verdict.Result) (*Group, error) {
	why := "it did not come again"
	if failed, ok := cause.HarnessFailed(res); ok {
		why = "the case can not be played: " + failed
	} else if res.Verdict == verdict.Skip {
		why = "the case can not be played: " + res.Cause
	}
	ca := cause.Cause{Kind: c.Kind, Core: "unconfirmed " + cause.Fold(c.Note), Title: c.Note + " (" + why + ")"}
	g, old := t.reserve(ca.Key())
	if old {
		return g, nil
	}
	f := &finding{cause: ca, candidate: c, whole: whole, small: whole, result: res}
	return g, t.publish(g, Group{
		Kind: c.Kind, Cause: ca.Key(), Title: ca.Title, Times: t.opts.Times, Digest: res.OutputDigest,
		Note: c.Note, Seed: c.Seed, Episode: c.Episode,
	}, f)
}

// publish writes the folder of a group, then shows the group, which was reserved, with all that is known of it.
func (t *Triage) publish(g *Group, full Group, f *finding) error {
	recording := f.recording
	if recording == nil {
		recording = f.result
	}
	small, err := record(f.small, recording, t.opts.Oracle.Identity())
	if err != nil {
		return err
	}
	for range small.Steps() {
		full.Steps++
	}
	small.Comments = comments(&full, f)
	if t.opts.Dir != "" {
		if err := t.write(&full, f, small); err != nil {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	full.Count = g.Count
	*g = full
	t.groups = append(t.groups, g)
	if t.opts.OnGroup != nil {
		t.opts.OnGroup(full, f.result)
	}
	return nil
}

// comments state the one point of a finding, so that its case can be promoted as it is.
func comments(g *Group, f *finding) []string {
	out := []string{g.Cause + "."}
	if g.Confirmed == 0 {
		out[0] = "Not confirmed: " + f.candidate.Note
	}
	return append(out, "", fmt.Sprintf("Found by slotdiff fuzz, seed %d, episode %d; shown %d of %d times.", g.Seed, g.Episode, g.Confirmed, g.Times))
}

// write makes the folder of a finding, whole or not at all.
func (t *Triage) write(g *Group, f *finding, small *scenario.Case) (err error) {
	if err := os.MkdirAll(t.opts.Dir, 0o755); err != nil {
		return fmt.Errorf("triage: %w", err)
	}
	g.Dir = filepath.Join(t.opts.Dir, f.cause.Slug())
	g.Path = filepath.Join(g.Dir, "repro"+scenario.Ext)
	g.Replay = t.replay(g, f)

	small.Path, small.Loose = filepath.ToSlash(g.Path), true
	res := *f.result
	res.Case, res.CaseText = small.Path, scenario.Format(small)
	entry := evidence.Entry(&res, g.Replay, nil)
	files, err := evidence.CaseFiles(&res, &entry)
	if err != nil {
		return fmt.Errorf("triage: %s: %w", g.Dir, err)
	}
	files = append(files, evidence.File{Name: "original" + scenario.Ext, Data: scenario.Format(f.whole)})
	about, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		panic(err) // a group always marshals
	}
	files = append(files, evidence.File{Name: "finding.json", Data: append(about, '\n')})

	tmp, err := os.MkdirTemp(t.opts.Dir, ".partial-")
	if err != nil {
		return fmt.Errorf("triage: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(tmp, file.Name), file.Data, 0o644); err != nil {
			return fmt.Errorf("triage: %w", err)
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("triage: %w", err)
	}
	if err := os.RemoveAll(g.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // of the campaign that is resumed
		return fmt.Errorf("triage: %w", err)
	}
	if err := os.Rename(tmp, g.Dir); err != nil {
		return fmt.Errorf("triage: %w", err)
	}
	return nil
}

// replay is the command that plays a group's case. Where the oracle does not bear the case, the target's own
// fault is seen against the recording.
func (t *Triage) replay(g *Group, f *finding) string {
	r := evidence.Replay{Command: t.opts.Command, Case: filepath.ToSlash(g.Path), Mode: mode, Seed: g.Seed, Oracle: t.opts.OracleFlag, Target: t.opts.TargetFlag}
	if f.recording != nil {
		r.Oracle = string(oracle.SpecRecorded)
	}
	return evidence.ReplayCommand(r)
}
