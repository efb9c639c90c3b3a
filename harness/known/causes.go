package known

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// Difference is a cause (fuzz/cause) in which a version of a product is known to differ from the baseline.
type Difference struct {
	Line int // in the file, 1-based
	// Reviewed is false for an entry that the tool has written and nobody has read yet.
	Reviewed bool
	Cause    string // the key: "divergence GET: -MOVED, not bulk"
	Reason   string
}

// Differences are those of one version: the content of fixtures/versions/<product>-<version>.txt.
type Differences struct {
	Product, Version string // the version is a prefix in whole numbers, "7.0"
	Entries          []Difference
	Omits            []Omit
	Holds            []Hold
}

// Omit is what packets are compared without, see [bus.Omit], where the version says it in nearly every packet, and which
// views of a node's state fuzz bus does not compare.
type Omit struct {
	Line int
	bus.Omit
	Views  []string
	Reason string
}

// Hold is what fuzz bus does not send to the version, for its known effect would end nearly every episode: terms of fuzz/quirks.
type Hold struct {
	Line         int
	When, Reason string
}

// The words that an entry begins with.
const (
	statusReviewed = "ok"
	statusNew      = "new"
	statusOmit     = "omit"
	statusHold     = "hold"
)

// ParseDifferences reads one file, whose name says product and version. An entry is one line,
//
//	STATUS | CAUSE | REASON
//
// where STATUS is ok for an entry that was reviewed, or new; with omit for it, what packets are compared without stands in
// the place of the cause: "flags=0x1800 view=shards", and with hold what packets are not sent. In a cause a * stands for any command,
// for any answer of the target, as in "GET: *, not -MOVED", or for any of the oracle. A line that begins with # is a comment.
func ParseDifferences(file string, text []byte) (*Differences, error) {
	name := strings.TrimSuffix(file[strings.LastIndexByte(file, '/')+1:], ".txt")
	product, version, ok := strings.Cut(name, "-")
	if !ok || product == "" || version == "" {
		return nil, fmt.Errorf("%s: a list of differences is named <product>-<version>.txt", file)
	}
	d := &Differences{Product: product, Version: version}
	var errs []error
	sc := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.SplitN(line, " | ", 3)
		switch {
		case len(f) != 3 || strings.TrimSpace(f[2]) == "":
			errs = append(errs, fmt.Errorf("%s:%d: want STATUS | CAUSE | REASON", file, n))
			continue
		case f[0] == statusOmit:
			o, err := parseOmit(f[1])
			if err != nil {
				errs = append(errs, fmt.Errorf("%s:%d: %w", file, n, err))
			}
			o.Line, o.Reason = n, strings.TrimSpace(f[2])
			d.Omits = append(d.Omits, o)
			continue
		case f[0] == statusHold:
			d.Holds = append(d.Holds, Hold{n, f[1], strings.TrimSpace(f[2])})
			continue
		case f[0] != statusReviewed && f[0] != statusNew:
			errs = append(errs, fmt.Errorf("%s:%d: status %q: want %s, %s, %s or %s", file, n, f[0], statusReviewed, statusNew, statusOmit, statusHold))
		case d.find(f[1]) != nil:
			errs = append(errs, fmt.Errorf("%s:%d: %q stands on line %d already", file, n, f[1], d.find(f[1]).Line))
		}
		d.Entries = append(d.Entries, Difference{Line: n, Reviewed: f[0] == statusReviewed, Cause: f[1], Reason: strings.TrimSpace(f[2])})
	}
	if err := sc.Err(); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", file, err))
	}
	return d, errors.Join(errs...)
}

// viewKey begins the word of an omit line that names views.
const viewKey = "view="

// parseOmit reads what is left out: words of a [bus.Omit] and view=NAME,...
func parseOmit(text string) (o Omit, err error) {
	var words []string
	for word := range strings.FieldsSeq(text) {
		if names, ok := strings.CutPrefix(word, viewKey); ok {
			o.Views = append(o.Views, strings.Split(names, ",")...)
		} else {
			words = append(words, word)
		}
	}
	if o.Omit, err = bus.ParseOmit(strings.Join(words, " ")); err == nil && o.IsZero() && o.Views == nil {
		err = errors.New("nothing is left out")
	}
	return o, err
}

// String is what parseOmit reads.
func (o Omit) String() string {
	if o.Views == nil {
		return o.Omit.String()
	}
	return strings.TrimSpace(o.Omit.String() + " " + viewKey + strings.Join(o.Views, ","))
}

func (d *Differences) find(cause string) *Difference {
	i := slices.IndexFunc(d.Entries, func(e Difference) bool { return e.Cause == cause })
	if i < 0 {
		return nil
	}
	return &d.Entries[i]
}

// Covers reports whether the list is about such a server.
func (d *Differences) Covers(product, version string) bool {
	return d.Product == product && (d.Version == version || strings.HasPrefix(version, d.Version+"."))
}

// Match returns the entry for a cause, or nil. Its own entry goes before one with a *, and both before an entry that does
// not say what it comes after, which holds behind anything, and one about a command holds where its answer is read later.
func (d *Differences) Match(cause string) *Difference {
	if e := d.match(cause); e != nil {
		return e
	}
	if i := strings.LastIndex(cause, afterWord); i >= 0 {
		cause = cause[:i]
	}
	return d.match(strings.Replace(cause, pendingWords, "", 1))
}

// match is Match of the very cause.
func (d *Differences) match(cause string) *Difference {
	if e := d.find(cause); e != nil {
		return e
	}
	what, class, ok := strings.Cut(cause, ": ")
	if !ok {
		return nil
	}
	kind, _, _ := strings.Cut(what, " ")
	forms := []string{kind + " *: " + class}
	if i := strings.LastIndex(class, notWord); i >= 0 {
		target := class[:i] + notWord + "*"
		forms = append(forms, what+": *"+class[i:], what+": "+target, kind+" *: "+target)
	}
	for _, f := range forms {
		if e := d.find(f); e != nil {
			return e
		}
	}
	return nil
}

// What stands in a cause, see fuzz/cause: between the target's answer and the oracle's, and before what it came after.
const (
	notWord   = ", not "
	afterWord = " after "
	// pendingWords stand before the command whose answer a step of its own reads.
	pendingWords = "recv of "
)

// String is an entry as the file has it, to be appended by a tool that has found a difference. The reason is one line.
func (d Difference) String() string {
	status := statusNew
	if d.Reviewed {
		status = statusReviewed
	}
	return fmt.Sprintf("%s | %s | %s", status, d.Cause, strings.ReplaceAll(d.Reason, "\n", " "))
}
