package server

import (
	"net"
	"time"
)

// keepAlive makes the kernel notice a peer that is gone without a word, within
// about twice as many seconds; 0 does nothing. Over loopback no peer can be, and the
// four system calls are not spent. Mirrors anet.c:anetKeepAlive.
func keepAlive(nc *net.TCPConn, seconds int64) {
	if seconds <= 0 || nc.RemoteAddr().(*net.TCPAddr).IP.IsLoopback() {
		return
	}
	// A connection that refuses is about to fail at its reader.
	_ = nc.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable: true, Idle: time.Duration(seconds) * time.Second, Interval: time.Duration(max(seconds/3, 1)) * time.Second, Count: 3,
	})
}
