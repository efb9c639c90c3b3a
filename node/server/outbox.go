package server

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// outbox writes to a connection without ever blocking the owner: it tries the
// kernel first, and what the kernel does not take is written by a goroutine.
type outbox struct {
	s   *server
	nc  *net.TCPConn
	raw syscall.RawConn

	mu      sync.Mutex
	pending []byte
	writing int  // bytes that the goroutine has taken and not yet written
	running bool // a goroutine is writing
	ending  bool // close the connection once everything is written
	dead    bool
}

func (s *server) newOutbox(nc *net.TCPConn) (*outbox, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &outbox{s: s, nc: nc, raw: raw}, nil
}

// write queues b, which is not kept. Errors show at the reader.
func (o *outbox) write(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead || o.ending {
		return
	}
	if !o.running {
		n := 0
		err := o.raw.Write(func(fd uintptr) bool {
			var e error
			if n, e = syscall.Write(int(fd), b); e != nil {
				n = 0
			}
			return true
		})
		if err != nil {
			o.dead = true
			return
		}
		if b = b[n:]; len(b) == 0 {
			return
		}
		o.running = true
		go o.s.guard(o.run)
	}
	o.pending = append(o.pending, b...)
}

// run writes until nothing is pending, at most as long as the node lives.
func (o *outbox) run() {
	defer context.AfterFunc(o.s.ctx, func() { o.nc.Close() })()
	for {
		o.mu.Lock()
		b := o.pending
		o.pending = nil
		if len(b) == 0 {
			o.running = false
			ending := o.ending
			o.mu.Unlock()
			if ending {
				o.nc.Close()
			}
			return
		}
		o.writing = len(b)
		o.mu.Unlock()
		_, err := o.nc.Write(b)
		o.mu.Lock()
		o.writing = 0
		if err != nil {
			o.dead, o.running, o.pending = true, false, nil
		}
		o.mu.Unlock()
		if err != nil {
			o.nc.Close()
			return
		}
	}
}

// queued is how many bytes wait, or were taken up by a write that is not done yet.
func (o *outbox) queued() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return int64(len(o.pending) + o.writing)
}

// end closes the connection after what was written; now closes it at once.
func (o *outbox) end(now bool) {
	o.mu.Lock()
	wait := o.running && !now
	o.ending = true
	o.mu.Unlock()
	if !wait {
		o.nc.Close()
	}
}
