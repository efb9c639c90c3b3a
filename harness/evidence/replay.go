package evidence

import (
	"fmt"
	"strings"
)

// Replay says what to run again.
type Replay struct {
	// Command is the subcommand, "replay" if empty. A control run is replayed with "control".
	Command string
	// Case is a case name ("redirect/moved_after_claim") or the path of a .case file.
	Case string
	Mode string
	Seed uint64
	// Oracle and Target are the flags of the run; empty for the default.
	Oracle, Target string
	// Times repeats the case; 0 and 1 add no flag.
	Times int
}

// ReplayCommand returns one line that works when it is pasted into a POSIX shell
// at the root of a checkout.
func ReplayCommand(r Replay) string {
	cmd := r.Command
	if cmd == "" {
		cmd = "replay"
	}
	words := []string{"go", "run", "./cmd/slotdiff", cmd, r.Case, "--mode", r.Mode, "--seed", fmt.Sprint(r.Seed)}
	if r.Oracle != "" {
		words = append(words, "--oracle", r.Oracle)
	}
	if r.Target != "" {
		words = append(words, "--target", r.Target)
	}
	if r.Times > 1 {
		words = append(words, "--times", fmt.Sprint(r.Times))
	}
	for i, w := range words {
		words[i] = quote(w)
	}
	return strings.Join(words, " ")
}

// quote makes one shell word of s. Words of harmless characters stay bare.
func quote(s string) string {
	harmless := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./:@=,+%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
