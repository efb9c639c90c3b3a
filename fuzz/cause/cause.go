// Package cause says what fault a result shows, in a key that is the same for every hit of that
// fault: the command or verb, the class of both sides' answers, the packet and its rule, the
// invariant, or the crashed function and its assertion. Numbers, keys and names are folded away.
//
// It refuses to judge: a result comes in that the runner has judged.
package cause

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Kind says what sort of finding it is.
type Kind string

// The kinds of finding.
const (
	Divergence    Kind = "divergence"     // the target's answer is not the oracle's
	OracleCrash   Kind = "oracle-crash"   // the oracle died
	OracleHang    Kind = "oracle-hang"    // the oracle lives and does not answer
	OracleCorrupt Kind = "oracle-corrupt" // the oracle broke an invariant, or can not read what it wrote
	TargetCrash   Kind = "target-crash"
	TargetHang    Kind = "target-hang"
	Invariant     Kind = "invariant" // the target broke an invariant
)

// Kinds lists every kind in the order in which reports count them.
func Kinds() []Kind {
	return []Kind{Divergence, TargetCrash, TargetHang, Invariant, OracleCrash, OracleHang, OracleCorrupt}
}

// OfOracle reports whether the finding is a fault of the oracle, which says nothing against the target.
func (k Kind) OfOracle() bool { return k == OracleCrash || k == OracleHang || k == OracleCorrupt }

// Cause is what a result shows.
type Cause struct {
	Kind Kind
	// Core names the fault itself. A smaller case that still shows it has the same kind and core.
	Core string
	// Mirror is the core of the same difference with its sides exchanged. Empty for all but differences.
	Mirror string
	// Trigger is the packet that was sent last before it came to light, where the core does not
	// tell two faults apart without it. Empty for faults of commands and for crashes.
	Trigger string
	// Title is a line for people, of the hit at hand: its numbers and names are not folded.
	Title string
}

// Same reports whether two results show the same fault, whatever was sent.
func (c Cause) Same(d Cause) bool { return c.Kind == d.Kind && c.Core == d.Core }

// SameEitherWay is Same, with the sides of a difference either way round: what two equal servers answer by chance.
func (c Cause) SameEitherWay(d Cause) bool {
	return c.Same(d) || c.Kind == d.Kind && c.Mirror != "" && c.Mirror == d.Core
}

// Key identifies the fault among all findings.
func (c Cause) Key() string {
	k := string(c.Kind) + " " + c.Core
	if c.Trigger != "" {
		k += " after " + c.Trigger
	}
	return k
}

// Slug is the key as a file name: its first words, and a digest that keeps two keys apart.
func (c Cause) Slug() string {
	key := c.Key()
	sum := sha256.Sum256([]byte(key))
	var b strings.Builder
	for _, r := range strings.ToLower(key) {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= slugLen {
			break
		}
	}
	return strings.Trim(b.String(), "-") + "-" + hex.EncodeToString(sum[:3])
}

const slugLen = 60
