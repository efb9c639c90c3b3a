package resp

import (
	"errors"
	"io"
	"slices"
)

// Reader reads replies from a stream, as a client does. It reads ahead as much as
// the stream gives at once.
type Reader struct {
	src     io.Reader
	scan    Scanner
	buf     []byte // buf[start:] is read and not yet delivered
	start   int
	scanned int   // bytes of buf[start:] that scan has found insufficient
	offset  int64 // in the stream, of buf[start]
	raw     []byte
	err     error // sticky: after a FormatError the stream has no known boundary
}

const readerBuffer = 16 << 10

// NewReader returns a Reader with the given limits, which may be zero.
func NewReader(src io.Reader, lim Limits) *Reader {
	return &Reader{src: src, scan: Scanner{Limits: lim}}
}

// ReadRaw returns the bytes of the next value, framed but not parsed. They are valid
// until the next call of a Read method.
//
// The error is io.EOF between two values, io.ErrUnexpectedEOF inside one, a *FormatError
// with its offset in the stream, or an error of the stream. A *FormatError comes again at
// every later call; an error of the stream does not, so a read that a deadline cut short
// can be taken up again and no byte is lost.
func (r *Reader) ReadRaw() ([]byte, error) {
	r.raw = nil
	if r.err != nil {
		return nil, r.err
	}
	for {
		if have := r.buf[r.start:]; len(have) > r.scanned {
			n, err := r.scan.Scan(have)
			switch {
			case err == nil:
				r.raw = have[:n:n]
				r.start += n
				r.offset += int64(n)
				r.scanned = 0
				return r.raw, nil
			case !errors.Is(err, ErrIncomplete):
				f := err.(*FormatError)
				f.Offset += r.offset
				r.err = f
				return nil, f
			}
			r.scanned = len(have)
		}
		if err := r.fill(); err != nil {
			if err == io.EOF && len(r.buf) > r.start {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// Read returns the next value, which is the caller's to keep. Its errors are those of ReadRaw.
func (r *Reader) Read() (Value, error) {
	raw, err := r.ReadRaw()
	if err != nil {
		return Value{}, err
	}
	p := builder{rest: slices.Clone(raw), lim: r.scan.Limits.withDefaults()}
	return p.value(), nil
}

// Raw returns the bytes of the value that the last Read or ReadRaw returned, nil after an
// error. They are valid until the next call of a Read method.
func (r *Reader) Raw() []byte { return r.raw }

// Buffered returns the bytes that are read from the stream but not yet delivered. After
// a *FormatError they begin with the value that cannot be read. They are valid until the
// next call of a Read method.
func (r *Reader) Buffered() []byte { return r.buf[r.start:] }

// Offset returns the number of bytes of the stream that have been delivered.
func (r *Reader) Offset() int64 { return r.offset }

func (r *Reader) fill() error {
	if r.start == len(r.buf) {
		r.buf, r.start = r.buf[:0], 0
	}
	if cap(r.buf)-len(r.buf) < readerBuffer/4 {
		if r.start > 0 {
			r.buf = r.buf[:copy(r.buf, r.buf[r.start:])]
			r.start = 0
		}
		if cap(r.buf)-len(r.buf) < readerBuffer/4 {
			r.buf = slices.Grow(r.buf, max(readerBuffer, len(r.buf)))
		}
	}
	n, err := readSome(r.src, r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// readSome reads at least one byte or returns an error: a Reader may return 0, nil.
func readSome(src io.Reader, p []byte) (int, error) {
	for range 100 {
		if n, err := src.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}
