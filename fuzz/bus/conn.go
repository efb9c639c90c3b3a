package bus

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// maxAnswer bounds a frame that a node sends.
const maxAnswer = 1 << 20

// conn is one link of a side.
type conn struct {
	nc net.Conn
	// buf[at:] has been read from the socket and not been looked at; waiting are the frames before it, by their bounds, that
	// are not compared yet.
	buf     []byte
	at      int
	waiting [][2]int
	// got is how many answers have come. On a link that the node dialled
	// PONGs are only counted: after some changes it sends them unasked, and how many is up to how it reads.
	got  int
	in   bool
	gone bool
}

// fill reads more from the socket.
func (c *conn) fill() error {
	const room = 32 << 10
	if len(c.waiting) == 0 && c.at > 0 {
		c.buf = c.buf[:copy(c.buf, c.buf[c.at:])]
		c.at = 0
	}
	if cap(c.buf)-len(c.buf) < room {
		b := make([]byte, len(c.buf), 2*cap(c.buf)+room)
		copy(b, c.buf)
		c.buf = b
	}
	n, err := c.nc.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// take notes the whole frames that have been read. The error is that of bytes that are no frame.
func (c *conn) take() error {
	for {
		rest := c.buf[c.at:]
		n, err := bus.FrameLen(rest)
		switch {
		case err != nil:
			return err
		case n != 0 && (n < bus.HeaderLen || n > maxAnswer):
			return fmt.Errorf("a frame of %d bytes", n)
		case n == 0 || n > len(rest):
			return nil
		}
		t := typeOf(rest)
		if c.in && (t == bus.TypePing || t == bus.TypeMeet) {
			c.at += n
			continue
		}
		if !c.in || t == bus.TypePong {
			c.got++
		}
		if !c.in || t != bus.TypePong {
			c.waiting = append(c.waiting, [2]int{c.at, c.at + n})
		}
		c.at += n
	}
}

// frame is the ith frame that waits.
func (c *conn) frame(i int) []byte { return c.buf[c.waiting[i][0]:c.waiting[i][1]] }

// forget drops the frames that wait.
func (c *conn) forget() { c.waiting = c.waiting[:0] }

// breath is how long a wait goes on before it is seen whether the campaign still does.
const breath = 500 * time.Millisecond

// await reads until n answers have come, or, with gone, until the node has closed the link, but not for longer than within, or once quit
// is closed. It reports what was missing.
func (c *conn) await(n int, gone bool, within time.Duration, quit <-chan struct{}) error {
	if !gone && c.got >= n {
		return nil
	}
	until := time.Now().Add(within)
	_ = c.nc.SetReadDeadline(time.Now().Add(min(within, breath)))
	for gone || c.got < n {
		if c.gone {
			if gone {
				return nil
			}
			return fmt.Errorf("closed after %d answers", c.got)
		}
		err := c.fill()
		if err == nil {
			err = c.take()
		}
		if err == nil {
			continue
		}
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			if left := time.Until(until); left > 0 && !over(quit) {
				_ = c.nc.SetReadDeadline(time.Now().Add(min(left, breath)))
				continue
			}
			if gone {
				return errors.New("stays open")
			}
			return fmt.Errorf("%d answers", c.got)
		}
		c.gone = true
	}
	return nil
}

// over reports whether quit is closed; nil never is.
func over(quit <-chan struct{}) bool {
	select {
	case <-quit:
		return true
	default:
		return false
	}
}
