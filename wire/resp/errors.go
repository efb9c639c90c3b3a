package resp

import (
	"errors"
	"fmt"
)

// ErrIncomplete says that the bytes end inside a value that is well formed so far.
var ErrIncomplete = errors.New("resp: the value is incomplete")

// FormatError says which byte of a reply cannot be what Redis writes. After it the
// rest of the stream cannot be read: nothing tells where the next value begins.
type FormatError struct {
	Offset int64  // of the offending byte, from the start of the input or stream
	Reason string // a phrase without punctuation at its end
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("resp: offset %d: %s", e.Offset, e.Reason)
}

// ProtocolError is a command that a Redis server refuses to read. The server sends
// Reply and closes the connection.
type ProtocolError struct {
	Reason string // in the server's words, "unbalanced quotes in request"
}

func (e *ProtocolError) Error() string { return "resp: protocol error: " + e.Reason }

// Reply appends the error reply that a Redis server sends before it closes the connection.
func (e *ProtocolError) Reply(b []byte) []byte {
	return AppendError(b, "ERR Protocol error: "+e.Reason)
}

// ErrQueryBufferLimit says that a client sent more than its query buffer may hold. The
// server closes the connection without a reply (networking.c:readQueryFromClient).
var ErrQueryBufferLimit = errors.New("resp: the query buffer limit is reached")
