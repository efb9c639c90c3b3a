//go:build !linux

package oracle

// UserMemoryDir has no directory to offer on this system.
func UserMemoryDir() (dir string, ok bool) { return "", false }
