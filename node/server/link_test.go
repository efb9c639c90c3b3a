package server

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// chunked is a connection that yields at most n bytes a read.
type chunked struct {
	net.Conn
	data []byte
	n    int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.data[:min(c.n, len(c.data))])
	c.data = c.data[n:]
	return n, nil
}

// frame makes bytes that FrameLen takes for a packet of n bytes.
func frame(n int, fill byte) []byte {
	b := bytes.Repeat([]byte{fill}, n)
	copy(b, "RCmb")
	binary.BigEndian.PutUint32(b[4:], uint32(n))
	return b
}

// A turn takes what is there: the buffer grows where a read fills it, up to its bound, and stays as it is for a quiet link.
func TestFrameReaderGrowsWithWhatComes(t *testing.T) {
	one := frame(bus.HeaderLen, 1)
	for _, tc := range []struct{ frames, want int }{{1, linkBuffer}, {4 * fastBuffer / bus.HeaderLen, fastBuffer}} {
		r := frameReader{}
		c := &chunked{data: bytes.Repeat(one, tc.frames), n: 1 << 30}
		got := 0
		for r.fill(c) == nil {
			list, bad := r.frames()
			if got += len(list); bad {
				t.Fatal("bytes that begin no frame")
			}
		}
		if got != tc.frames || len(r.buf) != tc.want {
			t.Errorf("%d frames of %d, a buffer of %d bytes, want %d", got, tc.frames, len(r.buf), tc.want)
		}
	}
}

// TestFrameReader cuts a stream of frames in pieces of every size and wants the
// same frames back.
func TestFrameReader(t *testing.T) {
	want := [][]byte{frame(bus.HeaderLen, 1), frame(bus.HeaderLen+104, 2), frame(3<<20, 3), frame(bus.HeaderLen, 4)}
	stream := bytes.Join(want, nil)
	for _, n := range []int{1 << 22, 1 << 16, 4096, 2257, 2256, 7} {
		got := readAll(t, &chunked{data: stream, n: n}, false)
		if len(got) != len(want) {
			t.Fatalf("chunks of %d: %d frames", n, len(got))
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("chunks of %d: frame %d differs", n, i)
			}
		}
	}
	// Bytes that begin no packet are the last frame, eight of them.
	got := readAll(t, &chunked{data: append(frame(bus.HeaderLen, 1), "GET / HTTP/1.1"...), n: 3}, true)
	if len(got) != 2 || string(got[1]) != "GET / HT" {
		t.Errorf("got %d frames, the last %q", len(got), got[len(got)-1])
	}
	// A huge announced length costs no memory before the bytes come.
	r := frameReader{}
	c := &chunked{data: append([]byte("RCmb\xff\xff\xff\xff"), make([]byte, 100)...), n: 1000}
	for r.fill(c) == nil {
		if list, bad := r.frames(); len(list) > 0 || bad {
			t.Fatal("a frame of 108 bytes out of 4 GB")
		}
	}
	if len(r.buf) > linkBuffer {
		t.Errorf("a buffer of %d bytes for 108", len(r.buf))
	}
}

func readAll(t *testing.T, c net.Conn, wantBad bool) (got [][]byte) {
	t.Helper()
	r := frameReader{}
	for {
		err := r.fill(c)
		list, bad := r.frames()
		for _, f := range list {
			got = append(got, bytes.Clone(f))
		}
		if bad != (wantBad && len(got) == 2) {
			t.Fatalf("bad = %v after %d frames", bad, len(got))
		}
		if err != nil || bad {
			return got
		}
	}
}
