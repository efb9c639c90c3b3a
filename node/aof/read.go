package aof

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// FormatError says at which byte of a file the last whole command ends, behind which there is
// something that is no command.
type FormatError struct {
	File   string
	Offset int64
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s:%d: no command follows", e.File, e.Offset)
}

// ShortError says where a file must be cut to end with a whole command or transaction.
type ShortError struct {
	File   string
	Offset int64
	Multi  bool // it ends inside a transaction
}

func (e *ShortError) Error() string {
	return fmt.Sprintf("%s:%d: the file ends within what follows", e.File, e.Offset)
}

// RunError is an error of a command, which begins at a byte of a file.
type RunError struct {
	File   string
	Offset int64
	Err    error
}

func (e *RunError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Offset, e.Err) }
func (e *RunError) Unwrap() error { return e.Err }

// errRDB refuses a base that is no log.
var errRDB = errors.New("an RDB file, which slotnode does not read: write the base with aof-use-rdb-preamble no")

// read gives every command of a file to run, those of a transaction when its EXEC was read.
// The error is a [FormatError], a [ShortError], a [RunError] or errRDB.
// Mirrors aof.c:loadSingleAppendOnlyFile.
func read(name string, from io.Reader, run func(argv [][]byte) error) error {
	r := &reader{Reader: bufio.NewReaderSize(from, 1<<16)}
	if head, _ := r.Peek(5); string(head) == "REDIS" {
		return fmt.Errorf("%s: %w", name, errRDB)
	}
	var queued [][][]byte // of a transaction, with its MULTI; nil: outside
	whole, beforeMulti := int64(0), int64(0)
	for {
		argv, err := r.command()
		switch {
		case errors.Is(err, io.EOF) && queued != nil:
			return &ShortError{name, beforeMulti, true}
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			if queued != nil {
				whole = beforeMulti
			}
			return &ShortError{name, whole, queued != nil}
		case errors.Is(err, errFormat):
			return &FormatError{name, whole}
		case err != nil:
			return fmt.Errorf("%s:%d: %w", name, r.at, err)
		}
		word := strings.ToLower(string(argv[0]))
		switch {
		case word == "multi" && queued == nil:
			beforeMulti = whole
			queued = [][][]byte{argv}
		case word == "exec" && queued != nil:
			for _, q := range queued[1:] {
				if err := run(q); err != nil {
					return &RunError{name, beforeMulti, err}
				}
			}
			queued = nil
		case queued != nil:
			queued = append(queued, argv)
		default:
			if err := run(argv); err != nil {
				return &RunError{name, whole, err}
			}
		}
		whole = r.at
	}
}

var errFormat = errors.New("bad format")

// reader counts what was taken.
type reader struct {
	*bufio.Reader
	at int64
}

// maxWord bounds an argument, as proto-max-bulk-len does for clients.
const maxWord = 512 << 20

// line reads up to the end of a line, which is cut off; an end of the file before is
// io.ErrUnexpectedEOF, and io.EOF where nothing was left.
func (r *reader) line() (string, error) {
	s, err := r.ReadString('\n')
	r.at += int64(len(s))
	if errors.Is(err, io.EOF) && s != "" {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimRight(s, "\r\n"), err
}

// command reads the next command, over annotations. The error is io.EOF at the end,
// io.ErrUnexpectedEOF inside a command, errFormat, or that of the file.
func (r *reader) command() ([][]byte, error) {
	line, err := r.line()
	for err == nil && strings.HasPrefix(line, "#") {
		line, err = r.line()
	}
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) && !strings.HasPrefix(line, "*") && !strings.HasPrefix(line, "#") {
			err = errFormat
		}
		return nil, err
	}
	n, ok := count(line, '*')
	if !ok || n < 1 || n > 1<<20 {
		return nil, errFormat
	}
	argv := make([][]byte, 0, min(n, 1024))
	for range n {
		line, err := r.line()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		size, ok := count(line, '$')
		if !ok || size < 0 || size > maxWord {
			return nil, errFormat
		}
		word := make([]byte, size+2)
		got, err := io.ReadFull(r, word)
		r.at += int64(got)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		argv = append(argv, word[:size])
	}
	return argv, nil
}

func count(line string, mark byte) (int, bool) {
	if len(line) < 2 || line[0] != mark {
		return 0, false
	}
	n, err := strconv.Atoi(line[1:])
	return n, err == nil
}
