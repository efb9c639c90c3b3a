// Package scenario reads and writes .case files: text in, Case out, and back.
//
// It checks what can be checked without running anything: the grammar, the
// header keys, the ids of contract FR-P2C-007 and that a step speaks to
// something the case has declared. It knows nothing of execution: no verb has a
// meaning here, no value is expanded, no time passes.
package scenario

import (
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/harness/contract"
)

// Ext is the file name extension of a case, with its dot.
const Ext = ".case"

// DefaultDeadline is the time a case may take on one side when its header
// names none.
const DefaultDeadline = 30 * time.Second

// Case is one scenario file.
type Case struct {
	// Path is the slash-separated path the case was loaded from, relative to
	// the case root ("redirect/moved_after_claim.case"). It is not part of the
	// text.
	Path string
	// Loose says that the case is a file outside of the case root: its name is its
	// path, extension and all, so that it can be found again.
	Loose bool
	// Comments holds the lines of the comment before the header, without "# ".
	// An empty element separates paragraphs.
	Comments []string
	Header   Header
	// Mix names the nodes that the oracle's server plays on the target side too,
	// where the case is one of several that [Case.Variants] made. It is not part of
	// the text: the steps that start those nodes say so.
	Mix  []string
	file *Case // of a variant: the case it was made from
	// Sections in file order. Only the first may have an empty title: it holds
	// the steps that precede every title.
	Sections []Section
}

// Header is the key: value block of a case.
type Header struct {
	// Scenario is the full scenario id, "FR-P2C-007-E003".
	Scenario string
	// Contract is the row, "B03". Empty for scenarios that no row owns (E013 and up).
	Contract string
	// Anchors are legacy anchors, "A03". At least one.
	Anchors []string
	Class   contract.Class
	// Reason is the reason code that a failure of this case is logged with.
	Reason string
	// Source says where in the legacy source the behaviour comes from. Free text.
	Source string
	// Needs are what a server or a machine must have for the case to run
	// ("debug", "sim"); a need that is not met makes the verdict skip.
	Needs []string
	// Rules names the reject rules of wire/bus that the case hits.
	Rules []string
	// Mixes are the mixed clusters that the case is played in: each lists the nodes
	// that the oracle's server plays on the target side too, in the order of their
	// start. Empty: the target plays every node whose step does not say otherwise.
	Mixes [][]string
	// Omit is what the packets that puppets receive are shown without: what servers of one version say in nearly every
	// packet and those of another never, so that a case can ask for the rest: "flags=0x1800 mflags=ext ext=shardid".
	Omit string
	// Recorded is the server the expected blocks come from, "redis 8.6.3".
	// Empty: not recorded yet.
	Recorded string
	// Deadline is the header's deadline. Zero: the header has none, see
	// [Case.Deadline].
	Deadline time.Duration
}

// Section is a phase of a case.
type Section struct {
	Title string
	// Notes are comment lines that follow the title directly, without "# ".
	Notes []string
	Steps []Step
}

// Step is one thing to do and the answer it must give.
type Step struct {
	// Line is the 1-based line of the first line of the step in its file; zero
	// for a step that was not parsed.
	Line int
	// Conds must all hold for the step to run.
	Conds []Cond
	// Actor is the first word: a node ("a"), a named connection of a node
	// ("a/x"), a puppet, or a keyword ("wait", see [Keywords]).
	Actor string
	// Words are the words after the actor.
	Words []Word
	// Comment is the trailing comment of the first line, without "# ".
	Comment string
	// Input holds the lines between the first line and "----", as written.
	Input []string
	// Expect holds the lines after "----", as written. Nil when the block is empty.
	Expect []string
}

// Cond is a condition in front of a step: [name] or [!name].
type Cond struct {
	Name string
	Not  bool
}

// String returns the condition with its brackets.
func (c Cond) String() string {
	if c.Not {
		return "[!" + c.Name + "]"
	}
	return "[" + c.Name + "]"
}

// Name returns the path without the extension: "redirect/moved_after_claim". That
// of a loose case is its whole path. A variant's is followed by its mix:
// "mixed/meet@oracle=a,c".
func (c *Case) Name() string { return c.fileName() + c.mixName() }

// fileName is the name without a mix.
func (c *Case) fileName() string {
	if c.Loose {
		return c.Path
	}
	return strings.TrimSuffix(c.Path, Ext)
}

// Deadline returns the time the case may take: the header's, else [DefaultDeadline].
func (c *Case) Deadline() time.Duration {
	if c.Header.Deadline > 0 {
		return c.Header.Deadline
	}
	return DefaultDeadline
}

// Steps returns every step of the case in order, with the title of its section.
func (c *Case) Steps() func(yield func(title string, s *Step) bool) {
	return func(yield func(string, *Step) bool) {
		for i := range c.Sections {
			sec := &c.Sections[i]
			for j := range sec.Steps {
				if !yield(sec.Title, &sec.Steps[j]) {
					return
				}
			}
		}
	}
}

// Tags returns what the coverage matrix needs to know of the case.
func (c *Case) Tags() contract.Tags {
	return contract.Tags{
		Name:     c.Name(),
		Scenario: c.Header.Scenario,
		Row:      c.Header.Contract,
		Anchors:  c.Header.Anchors,
		Class:    c.Header.Class,
		Mixes:    len(c.Header.Mixes),
	}
}

// Conn splits the actor of a step into the actor's name and the name of its
// connection, which is empty for the default one.
func (s *Step) Conn() (actor, conn string) {
	actor, conn, _ = strings.Cut(s.Actor, "/")
	return actor, conn
}

// Pipe splits the words at the pipe word: what is before it and the field
// names after it. Without a pipe fields is nil.
func (s *Step) Pipe() (words []Word, fields []string) { return SplitPipe(s.Words) }
