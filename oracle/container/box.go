package container

import (
	"context"
	"errors"
	"fmt"
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
// not running, idle, or a node.
type box struct {
	d    *Driver
	c    testcontainers.Container
	dir  string // on this machine
	conf string // file name, unique on this machine: by it a server proves which box it is in

	mu      sync.Mutex
	running bool
	done    chan struct{} // closed when the server has ended; made by start
	status  string        // how it ended
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
	return errors.Join(err, b.d.run.Remove(b.dir))
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

// idleConf makes a server that listens nowhere but in its own directory.
var idleConf = [][2]string{
	{"port", "0"},
	{"unixsocket", mount + "/" + sockName},
	{"unixsocketperm", "700"},
	{"dir", mount},
	{"logfile", mount + "/" + logName},
	{"save", ""},
	{"appendonly", "no"},
	{"always-show-logo", "no"},
	{"maxclients", "16"}, // each costs a system call when the server executes itself anew
	{"enable-debug-command", "yes"},
}

// becomeIdle turns a node's server into an idle one. c is connected to the node.
func (b *box) becomeIdle(ctx context.Context, c *redis.Client) error {
	if err := b.clear(); err != nil {
		return err
	}
	if err := b.write(b.conf, []byte(oracle.ConfText(idleConf, nil))); err != nil {
		return err
	}
	if err := b.reexec(ctx, c); err != nil {
		return err
	}
	// To those who watched the node, its server has ended.
	b.mu.Lock()
	if b.running {
		close(b.done)
		b.done = make(chan struct{})
	}
	b.mu.Unlock()
	return b.awaitReady(ctx, 0)
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
	return b.reexec(ctx, c)
}

// idleClient connects to an idle server.
func (b *box) idleClient(ctx context.Context) (_ *redis.Client, done func(), err error) {
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
