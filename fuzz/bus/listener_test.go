package bus

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/wire/resp"
)

// A message with the node's own id is the same on both sides.
func TestListenerFolds(t *testing.T) {
	ours, theirs := net.Pipe()
	e := listener{nc: ours, reply: resp.NewReader(ours, resp.Limits{}), fold: strings.NewReplacer("4fd21d3b", "$a.id").Replace}
	defer e.close()
	go func() {
		defer theirs.Close()
		_, _ = theirs.Read(make([]byte, 64)) // the PING
		_, _ = theirs.Write([]byte("*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n$8\r\n4fd21d3b\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"))
	}()
	if err := e.listen(); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(e.heard, func(m string) bool { return strings.Contains(m, "$a.id") }) || len(e.heard) != 1 {
		t.Errorf("heard %q", e.heard)
	}
}
