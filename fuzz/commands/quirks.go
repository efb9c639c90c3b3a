package commands

// Inputs that real Redis is known to answer wrongly, by name. Streams leave them out; see docs/findings.md.
const (
	// quirkPFMerge is PFMERGE without sources: in a transaction it files its key under another slot.
	quirkPFMerge = "pfmerge-without-sources"
	// quirkErrno is SORT of scores that are no integers: sort.c asks errno, and nobody has reset it, so that a number out of
	// range in any earlier command (XRANGE x 99999999999999999999 +) makes it refuse good scores.
	quirkErrno = "sort-stale-errno"
)
