package oracle

import (
	"fmt"
	"strconv"
	"strings"
)

// How says in what way a server is run.
type How string

// The ways of running a server.
const (
	Process   How = "process"   // a child process of slotdiff
	Container How = "container" // a container of a local engine
	Address   How = "address"   // somebody else's, reached by address
	Command   How = "command"   // a command line of the user's
	Recorded  How = "recorded"  // not run: the answers in the case files stand for it
	Bundled   How = "bundled"   // slotdiff's own node
)

// Identity names exactly what a driver runs. It goes into env.json, repro.lock and
// the first line of a run. The zero Identity means that nothing was run.
type Identity struct {
	Product string   `json:"product"`            // "redis", "valkey", "slotnode", or what the server calls itself
	Version string   `json:"version"`            // "8.6.3"
	BuildID string   `json:"build_id,omitempty"` // redis_build_id of INFO server, or the like
	How     How      `json:"how"`
	Source  string   `json:"source,omitempty"` // "debian redis-server 5:8.6.3-1", "PATH", "image redis:8.6", an address
	Digest  string   `json:"digest,omitempty"` // "sha256:..." of the image or of the server's executable
	Argv    []string `json:"argv,omitempty"`   // how a node is started, the configuration file as {conf}
}

// String is the form of log lines: "redis 8.6.3, process, debian redis-server 5:8.6.3-1".
func (id Identity) String() string {
	parts := []string{strings.TrimSpace(id.Product + " " + id.Version), string(id.How)}
	if id.Source != "" {
		parts = append(parts, id.Source)
	}
	return strings.Join(parts, ", ")
}

// Short is product and version, "redis 8.6.3", as in the "recorded:" header of a case.
func (id Identity) Short() string { return strings.TrimSpace(id.Product + " " + id.Version) }

// AtLeast compares the version's first two numbers. A version that is not a
// dotted number is never at least anything.
func (id Identity) AtLeast(major, minor int) bool {
	v, ok := parseVersion(id.Version)
	if !ok {
		return false
	}
	return v[0] > major || v[0] == major && v[1] >= minor
}

// MatchVersion reports whether have is the version want or one below it: "8.6.3"
// matches "8", "8.6" and "8.6.3", but not "8.60". Everything matches "".
func MatchVersion(have, want string) bool {
	if want == "" || have == want {
		return true
	}
	return strings.HasPrefix(have, want+".")
}

func parseVersion(s string) (v [2]int, ok bool) {
	parts := strings.SplitN(s, ".", 3)
	for i := range v {
		if i >= len(parts) {
			return v, i > 0
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 {
			return v, false
		}
		v[i] = n
	}
	return v, true
}

// CheckVersion returns an error unless id is of the product and version wanted;
// empty strings want nothing.
func (id Identity) CheckVersion(product, version string) error {
	if product != "" && id.Product != product || !MatchVersion(id.Version, version) {
		return fmt.Errorf("want %s, but the server is %s", strings.TrimSpace(product+" "+version), id.Short())
	}
	return nil
}
