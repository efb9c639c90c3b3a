package resp

import (
	"bytes"
	"io"
	"math"
	"slices"
)

// What networking.c fixes of redis 8.6.3: PROTO_INLINE_MAX_SIZE, and what an
// unauthenticated client may send before AUTH.
const (
	maxCommandLine       = 64 << 10
	maxUnauthArgs        = 10
	maxUnauthBulk        = 16384
	maxUnauthQueryBuffer = 1 << 20
)

// CommandLimits are the settings of a Redis server that bound what a client may send.
// Zero means the server's default.
type CommandLimits struct {
	MaxBulk        int64 // proto-max-bulk-len, default 512 MiB
	MaxQueryBuffer int64 // client-query-buffer-limit, default 1 GiB
}

// CommandReader reads commands as a Redis server reads them from a client: arrays of
// bulk strings and inline commands, mixed, with the server's leniency (line ends
// after a length and a payload are skipped unseen) and its exact protocol errors.
// Mirrors networking.c:processInputBuffer.
//
// Two uses: ReadCommand for one command after another; or Fill once and Next until it
// finds no more, for pipelines in bulk.
type CommandReader struct {
	// Unauthenticated says that the client still has to AUTH: the stricter limits of
	// networking.c:authRequired apply. It may be changed between any two calls.
	Unauthenticated bool

	// StallOnSplitError makes the reader as silent as 8.6.3 is about a bad argument that
	// arrives in a later read than the start of its array. The server then marks the error
	// on a command that it holds to be incomplete and never looks at it again: no reply,
	// no close, every later byte is buffered in vain until the query buffer limit.
	StallOnSplitError bool

	src    io.Reader
	limits CommandLimits

	buf     []byte
	start   int   // in buf, of the command that is being read
	pos     int   // in buf, of the first byte not consumed by it
	offset  int64 // in the stream, of buf[start]
	missing int   // arguments of the array still to come; 0 between commands
	bulk    int64 // length of the argument at pos, -1 while its length line is unread
	spans   []span
	inline  bool     // the command that Next returned last was one
	args    [][]byte // arguments handed out since the last Fill
	text    []byte   // bytes of inline arguments handed out since the last Fill
	split   bool     // the array's arguments were waited for at the end of an earlier read
	stalled bool     // see StallOnSplitError
	err     error    // sticky
}

// span is an argument of the command being read, as offsets from its start.
type span struct{ from, to int }

// NewCommandReader returns a reader of the commands that src brings.
func NewCommandReader(src io.Reader, limits CommandLimits) *CommandReader {
	if limits.MaxBulk == 0 {
		limits.MaxBulk = 512 << 20
	}
	if limits.MaxQueryBuffer == 0 {
		limits.MaxQueryBuffer = 1 << 30
	}
	return &CommandReader{src: src, limits: limits, bulk: -1}
}

// ReadCommand returns the arguments of the next command, the first of which is its name.
// There is at least one. They are valid until the next call of ReadCommand or Fill.
// Empty commands (a bare line end, "*0", "*-1") are skipped, as the server skips them.
//
// The error is a *ProtocolError, whose reply the server sends before it closes;
// ErrQueryBufferLimit, for which it closes without a word; io.EOF between two commands,
// io.ErrUnexpectedEOF inside one; or the stream's own. The first two come again at every
// later call.
func (r *CommandReader) ReadCommand() ([][]byte, error) {
	for {
		args, ok, err := r.Next()
		if ok || err != nil {
			return args, err
		}
		if err := r.Fill(); err != nil {
			if err == io.EOF && len(r.buf) > r.start {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// Next returns the next command that is wholly in the buffer, without reading the stream;
// ok is false when there is none. Its arguments are valid until the next Fill.
// Its error is a *ProtocolError or ErrQueryBufferLimit.
func (r *CommandReader) Next() (args [][]byte, ok bool, err error) {
	for r.err == nil {
		var done bool
		switch {
		case r.stalled:
			return nil, false, nil
		case r.missing > 0:
			done = r.readArguments()
		case r.pos == len(r.buf):
			return nil, false, nil
		case r.buf[r.pos] == '*':
			done = r.readCount()
		default:
			args, done = r.readInline()
		}
		if r.err != nil {
			break
		}
		if !done {
			r.split = r.missing > 0
			return nil, false, nil
		}
		if r.missing > 0 {
			continue
		}
		r.split = false
		r.inline = len(r.spans) == 0
		if !r.inline {
			args = r.collect()
		}
		r.offset += int64(r.pos - r.start)
		r.start = r.pos
		if len(args) > 0 {
			return args, true, nil
		}
	}
	return nil, false, r.err
}

// Inline reports whether the command that Next returned last was an inline one.
func (r *CommandReader) Inline() bool { return r.inline }

// Fill reads the stream once, and returns the stream's error or ErrQueryBufferLimit. It
// invalidates all arguments that Next and ReadCommand have returned.
func (r *CommandReader) Fill() error {
	if r.err != nil {
		return r.err
	}
	clear(r.args) // so that no argument keeps a buffer alive that is no longer used
	r.args, r.text = r.args[:0], r.text[:0]
	r.makeRoom()
	n, err := readSome(r.src, r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if n == 0 {
		return err
	}
	unread := int64(len(r.buf) - r.pos)
	if unread > r.limits.MaxQueryBuffer || (r.Unauthenticated && unread > maxUnauthQueryBuffer) {
		r.err = ErrQueryBufferLimit
		return r.err
	}
	return nil
}

// Offset returns the number of bytes of the stream that the commands returned so far
// took up, together with the empty ones between them.
func (r *CommandReader) Offset() int64 { return r.offset }

// Buffered returns the bytes read from the stream that belong to no command returned so
// far, for one who takes the stream over. They are valid until the next Fill.
func (r *CommandReader) Buffered() []byte { return r.buf[r.start:] }

// A buffer that one large command has grown beyond this is given back when it is empty.
const keepBuffer = 1 << 20

func (r *CommandReader) makeRoom() {
	if r.start == len(r.buf) {
		r.buf, r.start, r.pos = r.buf[:0], 0, 0
		if cap(r.buf) > keepBuffer {
			r.buf = nil
		}
	}
	if cap(r.buf)-len(r.buf) >= readerBuffer/4 {
		return
	}
	if r.start > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.start:])]
		r.pos -= r.start
		r.start = 0
	}
	if cap(r.buf)-len(r.buf) < readerBuffer/4 {
		r.buf = slices.Grow(r.buf, max(readerBuffer, len(r.buf)))
	}
}

func (r *CommandReader) fail(reason string) {
	if r.split && r.StallOnSplitError {
		r.stalled = true
		return
	}
	r.err = &ProtocolError{Reason: reason}
}

// readCount reads the line "*N" at pos; done is false when it is incomplete. It mirrors
// the first half of networking.c:processMultibulkBuffer, which looks for the \r no
// further than a NUL byte.
func (r *CommandReader) readCount() (done bool) {
	rest := r.buf[r.pos:]
	end := indexBeforeNUL(rest, '\r')
	if end < 0 {
		if len(rest) > maxCommandLine {
			r.fail("too big mbulk count string")
		}
		return false
	}
	if end+2 > len(rest) {
		return false
	}
	n, ok := parseInt(rest[1:end])
	switch {
	case !ok || n > math.MaxInt32:
		r.fail("invalid multibulk length")
		return false
	case n > maxUnauthArgs && r.Unauthenticated:
		r.fail("unauthenticated multibulk length")
		return false
	}
	r.pos += end + 2
	r.missing = int(max(n, 0))
	r.bulk = -1
	r.spans = r.spans[:0]
	return true
}

// readArguments reads what is there of the arguments of an array; done is false while
// some are missing. It mirrors the second half of networking.c:processMultibulkBuffer.
func (r *CommandReader) readArguments() (done bool) {
	for r.missing > 0 {
		if r.bulk < 0 && !r.readLength() {
			return false
		}
		if int64(len(r.buf)-r.pos) < r.bulk+2 {
			return false
		}
		from := r.pos - r.start
		r.spans = append(r.spans, span{from, from + int(r.bulk)})
		r.pos += int(r.bulk) + 2
		r.bulk = -1
		r.missing--
	}
	return true
}

// readLength reads the line "$N" at pos. The server looks at the '$' only once it has
// seen the end of the line.
func (r *CommandReader) readLength() (done bool) {
	rest := r.buf[r.pos:]
	end := bytes.IndexByte(rest, '\r')
	if end < 0 {
		if len(rest) > maxCommandLine {
			r.fail("too big bulk count string")
		}
		return false
	}
	if end+2 > len(rest) {
		return false
	}
	if rest[0] != '$' {
		r.fail("expected '$', got '" + string(rest[:1]) + "'")
		return false
	}
	n, ok := parseInt(rest[1:end])
	switch {
	case !ok || n < 0 || n > r.limits.MaxBulk:
		r.fail("invalid bulk length")
		return false
	case n > maxUnauthBulk && r.Unauthenticated:
		r.fail("unauthenticated bulk length")
		return false
	}
	r.pos += end + 2
	r.bulk = n
	return true
}

// collect turns the spans of a whole command into its arguments.
func (r *CommandReader) collect() [][]byte {
	first := len(r.args)
	for _, s := range r.spans {
		r.args = append(r.args, r.buf[r.start+s.from:r.start+s.to:r.start+s.to])
	}
	r.spans = r.spans[:0]
	return r.args[first:len(r.args):len(r.args)]
}

// readInline reads a line of words at pos; done is false when it is incomplete. It mirrors
// networking.c:processInlineBuffer, which looks for the \n no further than a NUL byte.
func (r *CommandReader) readInline() (args [][]byte, done bool) {
	rest := r.buf[r.pos:]
	end := indexBeforeNUL(rest, '\n')
	if end < 0 {
		if len(rest) > maxCommandLine {
			r.fail("too big inline request")
		}
		return nil, false
	}
	line := bytes.TrimSuffix(rest[:end], []byte("\r"))
	first := len(r.args)
	var ok bool
	if r.args, r.text, ok = splitArgs(r.args, r.text, line); !ok {
		r.fail("unbalanced quotes in request")
		return nil, false
	}
	r.pos += end + 1
	return r.args[first:len(r.args):len(r.args)], true
}

// indexBeforeNUL returns the index in b of the first c that no NUL byte precedes, or -1:
// what C's strchr finds.
func indexBeforeNUL(b []byte, c byte) int {
	i := bytes.IndexByte(b, c)
	if i >= 0 && bytes.IndexByte(b[:i], 0) >= 0 {
		return -1
	}
	return i
}
