// Package repotest holds the rules of this repository as tests: which package may
// import which, what the sans-IO core must not touch, how files look, and that
// cases, masks, packet rules, fuzz targets, generated pages and the README are
// what they claim to be. Every message gives the reason of the rule it enforces.
//
// It has no code of its own and tests nobody's behaviour: only what can be read
// off the files. A rule about a folder that does not exist yet passes, and holds
// from the day the folder is there.
package repotest
