// Command capturebus makes a real Redis send every kind of cluster-bus packet that it can send, and
// writes one of each to fixtures/bus: the bytes as hex, with a note of how they came about, and the text form.
//
//	go run ./internal/capturebus -redis /usr/bin/redis-server
//
// It plays the other nodes of the cluster with harness/puppet. What no Redis sends of its own accord it builds
// from the text form instead (handmade.go); such a fixture says so.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/slotdiff/slotdiff/oracle/process"
)

func main() {
	redis := flag.String("redis", "redis-server", "`path` of the redis-server to capture from")
	out := flag.String("out", filepath.Join("fixtures", "bus"), "`directory` to write to")
	only := flag.String("only", "", "run only the scene of this `name`")
	flag.Parse()
	if err := run(*redis, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "capturebus:", err)
		os.Exit(1)
	}
}

// sceneTime bounds one scene.
const sceneTime = 30 * time.Second

func run(redis, out, only string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	driver, err := process.Open(ctx, process.Options{
		Binary:  process.Binary{Argv: []string{redis}},
		Product: "redis", Version: "8.6",
	})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := driver.Close(); err == nil {
			err = cerr
		}
	}()
	for _, s := range scenes {
		if only != "" && only != s.name {
			continue
		}
		captures, err := play(ctx, driver, s)
		if err != nil {
			return fmt.Errorf("scene %s: %w", s.name, err)
		}
		for _, c := range captures {
			if err := c.write(out, "redis "+driver.Identity().Version); err != nil {
				return err
			}
			fmt.Printf("%-24s %5d bytes  %s\n", c.name, len(c.frame), c.how)
		}
	}
	return writeHandmade(out)
}
