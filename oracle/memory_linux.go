package oracle

import (
	"os"
	"syscall"
)

const (
	memoryBase = "/dev/shm"
	tmpfsMagic = 0x01021994 // statfs(2)
	// memoryRoom is the room that must be free there, in bytes: the files of a few hundred
	// nodes at once.
	memoryRoom = 1 << 30
)

// UserMemoryDir is a directory of this user alone in memory. ok is false where the
// system has none with room, and where TMPDIR says where files shall be. Programs in it
// may not be executable.
func UserMemoryDir() (dir string, ok bool) {
	if os.Getenv("TMPDIR") != "" {
		return "", false
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memoryBase, &fs); err != nil || fs.Type != tmpfsMagic || fs.Bavail*uint64(fs.Bsize) < memoryRoom {
		return "", false
	}
	dir, err := userDir(memoryBase)
	return dir, err == nil
}
