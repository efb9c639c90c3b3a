// Package bundled runs slotdiff's own node as processes: cmd/slotnode, built from the
// checkout it is called in, else the running executable started again as a node.
// slotnode comes first because it starts in a third of the time: a run starts
// hundreds of nodes, and the tool links much that a node never uses. Beyond finding
// the program it is the process driver.
//
// It does not import the node: a program that can be one says so by calling Main.
package bundled

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/process"
	"github.com/slotdiff/slotdiff/oracle/rundir"
)

// asNode tells a process of this executable that it is to be a node.
const asNode = "SLOTDIFF_AS_NODE"

var canBeNode bool

// Main makes the running executable fit to be a node: in a process started as one it
// runs node with the arguments of a redis-server (os.Args[1:]) and exits with its
// result, in every other it returns. It is called first thing in main or TestMain.
func Main(node func(args []string) int) {
	canBeNode = true
	if os.Getenv(asNode) != "" {
		if err := os.Unsetenv(asNode); err != nil {
			panic("bundled: " + err.Error())
		}
		os.Exit(node(os.Args[1:]))
	}
}

// Product is the bundled node's name in an Identity. The version there is that of
// the Redis it says it is.
const Product = "slotnode"

// Driver is an oracle.Driver.
type Driver struct {
	*process.Driver
	built *rundir.Dir // holds the program where one was built, else nil
}

// Open finds or builds the program and opens a driver of it.
func Open(ctx context.Context, progress func(string)) (_ *Driver, err error) {
	d := new(Driver)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("bundled node: %w", err), d.closeBuilt())
		}
	}()
	bin := process.Binary{Env: os.Environ(), Source: "cmd/slotnode"}
	exe, err := d.build(ctx)
	switch {
	case err == nil:
	case !canBeNode || ctx.Err() != nil:
		return nil, err
	default:
		if exe, err = os.Executable(); err != nil {
			return nil, err
		}
		bin.Source = "this program"
		bin.Env = append(bin.Env, asNode+"=1")
	}
	if bin.Digest, err = digest(exe); err != nil {
		return nil, err
	}
	bin.Argv = []string{exe}
	d.Driver, err = process.Open(ctx, process.Options{
		Binary:   bin,
		Hosting:  &process.Hosting{Argv: []string{exe, "--hosted"}}, // the words of node/server's hosted mode
		How:      oracle.Bundled,
		Rename:   Product,
		BuildID:  revision(),
		Progress: progress,
	})
	return d, err
}

// Close implements oracle.Driver.
func (d *Driver) Close() error { return errors.Join(d.Driver.Close(), d.closeBuilt()) }

func (d *Driver) closeBuilt() error {
	if d.built == nil {
		return nil
	}
	return d.built.Close()
}

// build compiles cmd/slotnode of the module that the working directory is in, and
// returns the program. It is kept between runs, where go finds it up to date; what a
// run executes is a link of its own, which a later build does not touch.
func (d *Driver) build(ctx context.Context) (exe string, err error) {
	const pkg = "github.com/slotdiff/slotdiff/cmd/slotnode"
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("there is no go command to build cmd/slotnode, and this program cannot be a node itself")
	}
	if d.built, _, err = rundir.OpenOnDisk(); err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	// Another checkout's build must not come between this one's and its link.
	kept := filepath.Join(cache, "slotdiff", "bin", fmt.Sprintf("slotnode-%08x", crc32.ChecksumIEEE([]byte(here))))
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", kept, pkg).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, strings.TrimSpace(string(out)))
	}
	exe = filepath.Join(d.built.Path(), "slotnode")
	if os.Link(kept, exe) != nil {
		exe = kept // another file system: a build during the run replaces the file, not what runs
	}
	return exe, nil
}

// revision is the commit this program was built of, if it is known.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if rev == "" {
		return ""
	}
	return rev + dirty
}

func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
