//go:build !linux

package oracle

import (
	"errors"
	"net"
	"os"
	"strconv"
)

var errLocked = errors.New("locked by another process")

// Without open-file-description locks the bind probe alone keeps processes apart.
func lockByte(*os.File, int64) error { return nil }

func unlockByte(*os.File, int64) {}

// portFree binds the port of loopback and lets it go.
func portFree(port uint16) bool {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	return err == nil && l.Close() == nil
}
