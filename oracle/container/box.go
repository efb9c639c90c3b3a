package container

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/redis/go-redis/v9"
	"github.com/testcontainers/testcontainers-go"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

// Names inside a container.
const (
	mount    = "/data"
	logName  = "redis.log"
	sockName = "idle.sock"
)

// readyLine is what every Redis and its kin log when they accept connections.
const readyLine = "Ready to accept connections"

// box is a container and the directory it shares with this machine. Its server is
// not running, a node, or idle: it was a node, and is one that knows no other, holds no
// keys, takes no client but ours and keeps its bus port until it is the next.
type box struct {
	d    *Driver
	c    testcontainers.Container
	dir  string // on this machine
	conf string // file name, unique on this machine: by it a server proves which box it is in

	mu      sync.Mutex
	running bool
	done    chan struct{} // closed when the server has ended; made by start
	status  string        // how it ended
	client  *redis.Client // of an idle server that was a node, which listens no more
	leave   func()        // gives its ports back
}

// start starts the container's server anew.
func (b *box) start(ctx context.Context) error {
	b.mu.Lock()
	b.running = true
	b.done = make(chan struct{})
	b.mu.Unlock()
	if err := b.c.Start(ctx); err != nil {
		b.ended("it could not be started")
		return err
	}
	return nil
}

// ended is told by the engine that the server has ended.
func (b *box) ended(status string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running {
		b.running = false
		b.status = status
		close(b.done)
	}
}

func (b *box) alive() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.running
}

func (b *box) doneChan() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done
}

// remove kills the server and removes the container and its directory.
func (b *box) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := b.d.eng.remove(ctx, b.c.GetContainerID())
	b.ended("removed")
	b.d.forget(b)
	return errors.Join(err, b.left(), b.d.run.Remove(b.dir))
}

// clear empties the directory.
func (b *box) clear() error {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(b.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (b *box) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(b.dir, name), data, 0o600)
}

// log is the server's log file.
func (b *box) log() string {
	text, err := os.ReadFile(filepath.Join(b.dir, logName))
	if err != nil {
		return ""
	}
	var l oracle.LogBuffer
	l.Append(text)
	return l.String()
}

// output is the end of what the server wrote to its standard output and error,
// where it complains of its configuration.
func (b *box) output(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	res, err := b.d.eng.api.ContainerLogs(ctx, b.c.GetContainerID(), client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "30"})
	if err != nil {
		return ""
	}
	defer res.Close()
	var out strings.Builder
	if _, err := stdcopy.StdCopy(&out, &out, res); err != nil {
		return out.String() + "\n" + err.Error()
	}
	return out.String()
}

// idleConf makes a server that was no node yet and listens nowhere but in its own
// directory.
var idleConf = [][2]string{
	{"port", "0"},
	{"unixsocket", mount + "/" + sockName},
	{"unixsocketperm", "700"},
	{"dir", mount},
	{"logfile", mount + "/" + logName},
	{"save", ""},
	{"appendonly", "no"},
	{"always-show-logo", "no"},
	{"hz", "1"},
	{"maxclients", "16"}, // each costs a system call when the server executes itself anew
	{"enable-debug-command", "yes"},
}

// becomeIdle makes a node that listens at place forget all that it knows. leave is called
// when its ports are free, if there is no error.
func (b *box) becomeIdle(ctx context.Context, place netip.AddrPort, leave func()) (err error) {
	c := probe.Client(place)
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if err := c.Do(ctx, "DEBUG", "HELP").Err(); err != nil {
		return err // nor would it be told to leave
	}
	// What a case has left may keep writes waiting, or a child writing.
	for _, undo := range [][]any{{"CLIENT", "UNPAUSE"}, {"CONFIG", "SET", "appendonly", "no"}} {
		_ = c.Do(ctx, undo...).Err() // a version may not know it, and what follows shows
	}
	if c.Do(ctx, "CLUSTER", "RESET", "HARD").Err() != nil { // a master with keys
		if err := c.Do(ctx, "FLUSHALL").Err(); err != nil {
			return err
		}
		if err := c.Do(ctx, "CLUSTER", "RESET", "HARD").Err(); err != nil {
			return err
		}
	}
	// An idle server shall cost little: its own cron, and a system call for each possible
	// client when it executes itself anew.
	_ = c.Do(ctx, "CONFIG", "SET", "hz", "1", "maxclients", "16").Err()
	// From here on only this connection reaches it.
	if err := c.Do(ctx, "CONFIG", "SET", "port", "0").Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.running {
		return errEnded
	}
	// To those who watched the node, its server has ended.
	close(b.done)
	b.done = make(chan struct{})
	b.client, b.leave = c, leave
	return nil
}

// leaveIdle prepares the directory by way of prepare and lets the idle server read
// its configuration from there.
func (b *box) leaveIdle(ctx context.Context, prepare func() error) error {
	c, done, err := b.idleClient(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := prepare(); err != nil {
		return err
	}
	if err := b.reexec(ctx, c); err != nil {
		return err
	}
	return b.left()
}

// left is called when an idle server is gone, to the next node or for good.
func (b *box) left() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client == nil {
		return nil
	}
	b.leave()
	err := b.client.Close()
	b.client, b.leave = nil, nil
	return err
}

// idleClient connects to an idle server.
func (b *box) idleClient(ctx context.Context) (_ *redis.Client, done func(), err error) {
	if b.client != nil {
		return b.client, func() {}, b.client.Ping(ctx).Err()
	}
	// A path of any length, in the 108 bytes that an address of a socket has.
	dir, err := os.Open(b.dir)
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join("/proc/self/fd", strconv.Itoa(int(dir.Fd())), sockName)
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: path, Protocol: 2, PoolSize: 1, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true})
	done = func() {
		c.Close()
		dir.Close()
	}
	if err := c.Ping(ctx).Err(); err != nil {
		done()
		return nil, nil, err
	}
	return c, done, nil
}

// reexec tells the server to execute itself anew. Success is that the connection
// breaks without a reply.
func (b *box) reexec(ctx context.Context, c *redis.Client) error {
	reply, err := c.Do(ctx, "DEBUG", "CRASH-AND-RECOVER").Result()
	var refused redis.Error
	switch {
	case err == nil:
		return fmt.Errorf("DEBUG CRASH-AND-RECOVER was answered: %v", reply)
	case errors.As(err, &refused):
		return refused
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return nil
}

// awaitReady waits until the log has the line that says so, from mark on.
func (b *box) awaitReady(ctx context.Context, mark int) error {
	path := filepath.Join(b.dir, logName)
	done := b.doneChan()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(path); err == nil && len(text) > mark && strings.Contains(string(text[mark:]), readyLine) {
			return nil
		}
		select {
		case <-done:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("no line %q in its log: %w", readyLine, ctx.Err())
		case <-tick.C:
		}
	}
}

var errEnded = errors.New("the server ended")
