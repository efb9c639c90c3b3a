//go:build !plant

package cluster

// planted reports whether a fault is made on purpose: only in a build with the tag "plant".
func planted(string) bool { return false }
