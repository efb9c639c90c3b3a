package oracle

import (
	"fmt"
	"strings"
)

// Capabilities is a set of things that can be done to a driver's nodes. Its text
// form, also used by the "needs:" header of a case, is the names separated by
// blanks.
type Capabilities uint16

// The capabilities. A driver has one only if it works on every node it starts.
const (
	CapKill    Capabilities = 1 << iota // end a node as SIGKILL does
	CapRestart                          // start a killed node again on its ports and files
	CapPause                            // freeze and resume a node
	CapFiles                            // read and write files of the node's directory
	CapLog                              // read the node's log
	CapConf                             // start a node with directives of the case's choice
	CapMany                             // start as many nodes as a case wants
	CapDebug                            // DEBUG is a command the server lets clients use
	CapFresh                            // nothing of an earlier case is seen: own ports, process and directory

	capEnd
)

// AllCapabilities is what a driver has that owns its servers wholly.
const AllCapabilities = capEnd - 1

var capNames = [...]string{"kill", "restart", "pause", "files", "log", "conf", "many-nodes", "debug", "fresh"}

// Has reports whether every capability of need is in c.
func (c Capabilities) Has(need Capabilities) bool { return c&need == need }

// Missing returns the capabilities of need that c lacks.
func (c Capabilities) Missing(need Capabilities) Capabilities { return need &^ c }

// String lists the names, "nothing" for the empty set.
func (c Capabilities) String() string {
	if c == 0 {
		return "nothing"
	}
	var names []string
	for i, n := range capNames {
		if c&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, " ")
}

// CapabilityNames lists all names in the order of the constants.
func CapabilityNames() []string { return append([]string(nil), capNames[:]...) }

// ParseCapability returns the capability of that name.
func ParseCapability(name string) (Capabilities, error) {
	for i, n := range capNames {
		if n == name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("capability %q: unknown, want one of %s", name, strings.Join(capNames[:], ", "))
}
