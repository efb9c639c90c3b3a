package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slotdiff/slotdiff/fixtures"
	"github.com/slotdiff/slotdiff/fuzz/campaign"
	"github.com/slotdiff/slotdiff/fuzz/cause"
	"github.com/slotdiff/slotdiff/fuzz/triage"
	"github.com/slotdiff/slotdiff/harness/known"
	"github.com/slotdiff/slotdiff/oracle"
)

// differences is one list with the file it is from.
type differences struct {
	*known.Differences
	file string
}

// versionsDir is the folder of the lists in a checkout.
const versionsDir = "fixtures/versions"

// loadDifferences reads the lists of the checkout where there is one, so that what was learnt counts at once, else those
// that are built in.
func loadDifferences() ([]*differences, error) {
	dir := os.DirFS(versionsDir)
	if _, err := os.Stat(versionsDir); err != nil {
		var suberr error
		if dir, suberr = fs.Sub(fixtures.Versions, "versions"); suberr != nil {
			return nil, suberr
		}
	}
	names, err := fs.Glob(dir, "*.txt")
	if err != nil {
		return nil, err
	}
	var out []*differences
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		file := versionsDir + "/" + name
		d, err := known.ParseDifferences(file, text)
		if err != nil {
			return nil, err
		}
		out = append(out, &differences{d, file})
	}
	return out, nil
}

// knownDifference looks a cause up in the lists of the target's version.
func knownDifference(lists []*differences) func(cause.Cause, oracle.Identity) (string, bool) {
	return func(c cause.Cause, id oracle.Identity) (string, bool) {
		for _, d := range lists {
			if !d.Covers(id.Product, id.Version) {
				continue
			}
			if e := d.Match(c.Key()); e != nil {
				reason := e.Reason
				if !e.Reviewed {
					reason += " (not reviewed)"
				}
				return fmt.Sprintf("%s (%s:%d)", reason, d.file, e.Line), true
			}
		}
		return "", false
	}
}

// without has an engine compare and send the target less, as the lists of its version say, and returns the lines that say why.
func without(env *campaign.Env, lists []*differences, id oracle.Identity) (lines []string, err error) {
	for _, d := range lists {
		if !d.Covers(id.Product, id.Version) {
			continue
		}
		for _, e := range d.Omits {
			env.Omit = env.Omit.Join(e.Omit)
			env.Views = append(env.Views, e.Views...)
			if !e.IsZero() {
				lines = append(lines, fmt.Sprintf("packets are compared without %s: %s (%s:%d)", e.Omit, e.Reason, d.file, e.Line))
			}
			if len(e.Views) > 0 {
				lines = append(lines, fmt.Sprintf("states are compared without %s: %s (%s:%d)", strings.Join(e.Views, ","), e.Reason, d.file, e.Line))
			}
		}
		for _, h := range d.Holds {
			if env.Quirks, err = env.Quirks.With([]string{h.When}); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", d.file, h.Line, err)
			}
			lines = append(lines, fmt.Sprintf("held back is %s: %s (%s:%d)", h.When, h.Reason, d.file, h.Line))
		}
	}
	return lines, nil
}

// learn appends the confirmed differences of a campaign that no list has to the list of the target's version. That a
// target falls or hangs is reported each time.
func learn(id oracle.Identity, groups []*triage.Group) (file string, n int, err error) {
	version := id.Version
	if parts := strings.SplitN(version, ".", 3); len(parts) == 3 {
		version = parts[0] + "." + parts[1]
	}
	file = fmt.Sprintf("%s/%s-%s.txt", versionsDir, id.Product, version)
	var lines strings.Builder
	for _, g := range groups {
		if !g.Steady() || g.Noise > 0 || g.Known != "" || g.Kind != cause.Divergence && g.Kind != cause.Invariant {
			continue
		}
		fmt.Fprintln(&lines, known.Difference{Cause: g.Cause, Reason: g.Title})
		n++
	}
	if n == 0 {
		return file, 0, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return file, 0, fmt.Errorf("--learn: %w", err)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return file, 0, fmt.Errorf("--learn: %w", err)
	}
	if st, err := f.Stat(); err == nil && st.Size() == 0 {
		fmt.Fprintf(f, "# What %s %s is known to do otherwise than Redis 8.6. See README.md.\n#\n# STATUS | CAUSE | REASON\n\n", id.Product, version)
	}
	_, err = f.WriteString(lines.String())
	if err := errors.Join(err, f.Close()); err != nil {
		return file, 0, fmt.Errorf("--learn: %w", err)
	}
	return file, n, nil
}
