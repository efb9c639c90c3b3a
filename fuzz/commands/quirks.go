package commands

import (
	"strings"
)

// Inputs that real Redis is known to answer wrongly, by name. Streams leave them out; see docs/findings.md.
const (
	// quirkPFMerge is PFMERGE without sources: in a transaction it files its key under another slot.
	quirkPFMerge = "pfmerge-without-sources"
	// quirkErrno is SORT of scores that are no integers: sort.c asks errno, and nobody has reset it, so that a number out of
	// range in any earlier command (XRANGE x 99999999999999999999 +) makes it refuse good scores.
	quirkErrno = "sort-stale-errno"
	// quirkHSetEx is HSETEX that names a field twice, the second time with a value so long that the hash becomes a hash table in between:
	// an assertion fails (t_hash.c, expireMeta.trash == 0), and the server is gone.
	quirkHSetEx = "hsetex-field-twice"
)

// staleErrno reports whether a difference shows quirkErrno although the generator took an earlier error away: Redis reads up to 16
// commands ahead and looks for their keys, and a number of keys out of range (EVAL s 99999999999999999999) is an error between the XRANGE
// and its SORT if these are the last and the first of what is read at once. That is decided by what the socket held, so it does not come again.
func staleErrno(d *difference) bool {
	return d.fault == faultDiffers && (d.what == "sort" || d.what == "sort_ro") &&
		strings.HasPrefix(d.answers[theOracle], "-ERR One or more scores") && !strings.HasPrefix(d.answers[theTarget], "-")
}

// listpackValue is how long a value may be, in bytes, that a hash keeps in a listpack: hash-max-listpack-value.
const listpackValue = 64

// repeatsField reports whether HSETEX names a field twice and has a value too long for a listpack.
func repeatsField(argv [][]byte) bool {
	seen := map[string]bool{}
	twice, long := false, false
	for i, a := range argv {
		if !isOption(a, "FIELDS") {
			continue
		}
		for j, b := range argv[min(len(argv), i+2):] {
			if long = long || len(b) > listpackValue; j%2 == 0 {
				twice = twice || seen[string(b)]
				seen[string(b)] = true
			}
		}
		break
	}
	return twice && long
}
