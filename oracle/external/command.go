// Package external runs any other server: a command line of the user's that behaves
// like redis-server, or servers that already run and are reached by address.
//
// It refuses addresses that are not on loopback, and servers that hold keys when a
// run begins: slotdiff empties what it tests. Of a server reached by address it
// claims nothing that it cannot do, so that a case that needs more is skipped.
package external

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/process"
)

// Command opens a driver that runs words as a drop-in redis-server: "{conf}" in
// them, or an argument after them, is the path of a configuration file. The command
// runs in a directory of its own, with the user's environment.
func Command(ctx context.Context, words []string, progress func(string)) (*process.Driver, error) {
	argv := append([]string(nil), words...)
	// What is named relative to here must be found from the node's directory.
	for i, w := range argv {
		if i == 0 {
			if path, err := exec.LookPath(w); err == nil {
				w = path
			}
		}
		if !strings.ContainsRune(w, filepath.Separator) || filepath.IsAbs(w) {
			argv[i] = w
			continue
		}
		if _, err := os.Stat(w); err == nil {
			if abs, err := filepath.Abs(w); err == nil {
				argv[i] = abs
			}
		}
	}
	return process.Open(ctx, process.Options{
		Binary:   process.Binary{Argv: argv, Env: os.Environ(), Source: "command " + strings.Join(words, " ")},
		How:      oracle.Command,
		Progress: progress,
	})
}
