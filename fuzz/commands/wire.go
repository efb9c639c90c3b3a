package commands

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// patience is how long a reply may take before the server is asked whether it is still there. What a stream reads
// at once blocks for a few milliseconds at most.
const patience = 8 * time.Second

// wire is one connection to one node. It reads replies framed, not parsed.
type wire struct {
	nc    net.Conn
	buf   []byte
	start int // of what has not been given out
	scan  resp.Scanner
}

func dial(addr netip.AddrPort) (*wire, error) {
	if !addr.Addr().IsLoopback() {
		return nil, fmt.Errorf("fuzz/commands: %s is not a loopback address", addr)
	}
	nc, err := net.DialTimeout("tcp", addr.String(), patience)
	if err != nil {
		return nil, err
	}
	return &wire{nc: nc, buf: make([]byte, 0, 64<<10)}, nil
}

func (w *wire) close() {
	if w != nil {
		w.nc.Close()
	}
}

func (w *wire) write(b []byte) error {
	if err := w.nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := w.nc.Write(b)
	return err
}

// begin forgets what was given out.
func (w *wire) begin() {
	n := copy(w.buf[:cap(w.buf)], w.buf[w.start:])
	w.buf, w.start = w.buf[:n], 0
}

// fill reads some more.
func (w *wire) fill() error {
	if len(w.buf) == cap(w.buf) {
		grown := make([]byte, len(w.buf), 2*cap(w.buf))
		copy(grown, w.buf)
		w.buf = grown
	}
	n, err := w.nc.Read(w.buf[len(w.buf):cap(w.buf)])
	w.buf = w.buf[:len(w.buf)+n]
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// frames reads until n replies are there, push messages not counted, or, with a mark, until the reply that ends in
// it. It returns the bytes and appends the end of each frame to ends. The bytes are valid until begin. On an error
// they are what was framed before it.
func (w *wire) frames(n int, mark []byte, ends []int) ([]byte, []int, error) {
	at := w.start
	for replies := 0; mark != nil || replies < n; {
		size, err := w.scan.Scan(w.buf[at:])
		if errors.Is(err, resp.ErrIncomplete) {
			if err = w.fill(); err == nil {
				continue
			}
		}
		if err != nil {
			return w.give(at), ends, err
		}
		frame := w.buf[at : at+size]
		at += size
		ends = append(ends, at-w.start)
		if frame[0] != byte(resp.Push) {
			replies++
			if mark != nil && bytes.HasSuffix(frame, mark) {
				break
			}
		}
	}
	return w.give(at), ends, nil
}

// replies reads n replies, push messages not counted, and returns their bytes.
func (w *wire) replies(n int) ([]byte, error) {
	at := w.start
	for n > 0 {
		size, err := w.scan.Scan(w.buf[at:])
		if errors.Is(err, resp.ErrIncomplete) {
			if err = w.fill(); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		if w.buf[at] != byte(resp.Push) {
			n--
		}
		at += size
	}
	return w.give(at), nil
}

func (w *wire) give(end int) []byte {
	b := w.buf[w.start:end]
	w.start = end
	return b
}

// same reads as many bytes as want has and reports whether they are equal; if not, or if the connection ends,
// nothing is given out and frames may look at the bytes once more.
func (w *wire) same(want []byte) bool {
	for len(w.buf)-w.start < len(want) {
		have := w.buf[w.start:]
		if !bytes.Equal(have, want[:len(have)]) || w.fill() != nil {
			return false
		}
	}
	if !bytes.Equal(w.buf[w.start:w.start+len(want)], want) {
		return false
	}
	w.start += len(want)
	return true
}

// do sends one command and reads its reply.
func (w *wire) do(args ...string) (resp.Value, error) {
	if err := w.write(resp.AppendCommandStrings(nil, args...)); err != nil {
		return resp.Value{}, err
	}
	w.begin()
	b, _, err := w.frames(1, nil, nil)
	if err != nil {
		return resp.Value{}, err
	}
	v, _, err := resp.Parse(b)
	return v, err
}

// pipeline sends all commands at once and reads a reply for each.
func (w *wire) pipeline(cmds [][]string) ([]resp.Value, error) {
	var b []byte
	for _, c := range cmds {
		b = resp.AppendCommandStrings(b, c...)
	}
	if err := w.write(b); err != nil {
		return nil, err
	}
	w.begin()
	raw, ends, err := w.frames(len(cmds), nil, nil)
	if err != nil {
		return nil, err
	}
	out := make([]resp.Value, 0, len(ends))
	from := 0
	for _, end := range ends {
		v, _, err := resp.Parse(raw[from:end])
		if err != nil {
			return nil, err
		}
		out, from = append(out, v), end
	}
	return out, nil
}

// waiting reports whether some reply has come in, without waiting for one.
func (w *wire) waiting() bool {
	if len(w.buf) > w.start {
		return true
	}
	if w.nc.SetReadDeadline(time.Now().Add(100*time.Microsecond)) != nil {
		return true
	}
	return w.fill() == nil
}
