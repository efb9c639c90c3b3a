package command

import (
	"bytes"
	"strings"
	"testing"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/wire/resp"
)

// FuzzExecute runs a stream of inline commands from two clients: no panic, and
// what each client gets parses as replies.
func FuzzExecute(f *testing.F) {
	for _, s := range []string{
		"SET b 1\nGET b\nMULTI\nINCR b\nEXEC",
		"BLPOP b 0\nRPUSH b 1 2\nLRANGE b 0 -1",
		"ASKING\nMSET foo 1 {foo}1 2\nMGET foo {foo}1",
		"HELLO 3\nSUBSCRIBE b\nPUBLISH b x\nUNSUBSCRIBE",
		"CLUSTER SETSLOT 866 STABLE\nCLUSTER SLOTS\nCLUSTER SHARDS\nCLUSTER RESET HARD",
		"CLIENT PAUSE 100 ALL\nGET b\nCLIENT UNPAUSE", "SETRANGE b 10 x\nSETBIT b 99 1\nGETRANGE b -5 -1\nBITCOUNT b 0 9 BIT",
		"COMMAND GETKEYS EVAL s 1 k\nCONFIG SET maxmemory 1kb timeout 5\nSCAN 0 COUNT 100\nSORT b",
		"HSET b f v\nSADD {b}s 3 1 x\nSMEMBERS {b}s\nCOPY b {b}c\nRENAME b {b}d\nEXPIRE {b}d 1\nTTL {b}d",
		"WATCH b\nFLUSHALL\nMULTI\nDEBUG SLEEP 1\nSSUBSCRIBE b\nSPUBLISH b m\nEXEC\nRESET",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		r := newRig(t)
		m := newMirror(t, r)
		for i, line := range strings.SplitN(stream, "\n", 60) {
			argv, ok := resp.SplitArgs([]byte(line))
			if !ok || len(argv) == 0 || table.IsOption(argv[0], "debug") && len(argv) > 3 && table.IsOption(argv[1], "populate") {
				continue
			}
			c := r.client([]string{"a", "b"}[i%2])
			if c.Blocked() || c.Closing() {
				r.advance(100)
				continue
			}
			r.e.SetNow(r.now * 1000)
			r.e.Execute(c, argv)
			r.settle()
			m.check(t, line)
			for _, name := range []string{"a", "b"} {
				out := []byte(r.take(name))
				for len(out) > 0 {
					_, n, err := resp.Parse(out)
					if err != nil {
						t.Fatalf("%q: %v in %q", line, err, out)
					}
					out = bytes.Clone(out[n:])
				}
			}
		}
	})
}
