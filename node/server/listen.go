package server

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/slotdiff/slotdiff/node/command"
)

// busOffset is how far the bus port is above the client port (CLUSTER_PORT_INCR).
const busOffset = 10000

// checkPlaces refuses what no cluster node can listen on. It comes after nodes.conf is made, and
// before anything is opened. Mirrors the end of cluster_legacy.c:clusterInit.
func (s *server) checkPlaces() error {
	set := command.Settings(s.cfg)
	port := set.Port
	if set.TLSCluster {
		port = set.TLSPort
	}
	switch {
	case set.BusPort == 0 && port > 65535-busOffset:
		return refusal("Redis port number too high. Cluster communication port is 10,000 port numbers higher than your Redis port. Your Redis port number must be 55535 or less.")
	case len(bindAddresses(s.cfg.Text("bind"))) == 0:
		return refusal("No bind address is configured, but it is required for the Cluster bus.")
	}
	return nil
}

// listen opens both ports and accepts on them. Mirrors server.c:initListeners and
// cluster_legacy.c:clusterInitLast.
func (s *server) listen() (ls []net.Listener, err error) {
	set := command.Settings(s.cfg)
	busPort := set.BusPort
	if busPort == 0 {
		busPort = set.Port + busOffset
	}
	switch {
	case set.TLSPort != 0 || set.TLSCluster || set.TLSReplication:
		s.log.warning("slotnode speaks no TLS")
		err = refusal("Failed to configure TLS. Check logs for more info.")
	case set.Port == 0:
		return nil, refusal("Configured to not listen anywhere, exiting.")
	case !s.listenOn(&ls, set.Port, func(nc *net.TCPConn) any { return accepted{nc} }):
		err = refuse("Failed listening on port %d (tcp), aborting.", set.Port)
	case !s.listenOn(&ls, busPort, func(nc *net.TCPConn) any { return busAccepted{nc} }):
		err = refuse("Failed listening on port %d (cluster), aborting.", busPort)
	default:
		return ls, nil
	}
	for _, l := range ls {
		l.Close()
	}
	return nil, err
}

// listenOn opens a port on every address of the bind directive. An optional address that the
// machine does not have is passed over, as is a protocol that it does not speak; any other
// failure is logged and reported. Mirrors server.c:listenToPort.
func (s *server) listenOn(ls *[]net.Listener, port int, accept func(nc *net.TCPConn) any) bool {
	lc := net.ListenConfig{KeepAlive: -1} // see keepAlive
	for _, a := range bindAddresses(s.cfg.Text("bind")) {
		l, err := lc.Listen(s.ctx, a.network, net.JoinHostPort(a.host, itoa(port)))
		if err != nil {
			s.log.warning("Warning: Could not create server TCP listening socket %s:%d: %s", a.name, port, listenCause(err))
			if a.optional && errors.Is(err, syscall.EADDRNOTAVAIL) || noProtocol(err) {
				continue
			}
			return false
		}
		*ls = append(*ls, l)
		s.spawn(func() { s.accept(l, accept) })
	}
	return true
}

func noProtocol(err error) bool {
	for _, no := range []syscall.Errno{syscall.ENOPROTOOPT, syscall.EPROTONOSUPPORT, syscall.ESOCKTNOSUPPORT, syscall.EPFNOSUPPORT, syscall.EAFNOSUPPORT} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// listenCause is what anet.c says: the call that failed and the error number's text.
func listenCause(err error) string {
	if se, ok := errors.AsType[*os.SyscallError](err); ok {
		return se.Syscall + ": " + capital(se.Err.Error())
	}
	return err.Error()
}

// accept hands the connections of a listener to the owner until it is closed.
func (s *server) accept(l net.Listener, wrap func(nc *net.TCPConn) any) {
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.log.warning("Accepting client connection: %v", err)
			if !s.pauseAccept() {
				return
			}
			continue
		}
		if !s.send(wrap(nc.(*net.TCPConn))) {
			nc.Close()
		}
	}
}

// pauseAccept waits a moment when the process has no file descriptor left.
func (s *server) pauseAccept() bool {
	t := time.NewTimer(10 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.stopped:
		return false
	}
}
