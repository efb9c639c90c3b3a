// Package probe asks a running server what it is, through go-redis, the ordinary
// client. It refuses to ask anything that changes the server.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/slotdiff/slotdiff/oracle"
)

func init() {
	// go-redis reports failed dials on stderr by itself; every one of ours is an
	// error that is returned.
	logging.Disable()
}

// Info is what a server says of itself.
type Info struct {
	Product string // "redis" or "valkey", or another server's server_name
	Version string // its own version, not the Redis version it is compatible with
	BuildID string
	PID     int
	Port    uint16
	Cluster bool // runs in cluster mode
	RunID   string
}

// Client returns a client with one connection, no retries and no greeting beyond
// what the server needs. The caller closes it.
func Client(addr netip.AddrPort) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:            addr.String(),
		Protocol:        2,
		PoolSize:        1,
		MaxRetries:      -1,
		DialerRetries:   1,
		DisableIdentity: true,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			d := net.Dialer{Timeout: 5 * time.Second, KeepAlive: -1} // over loopback it only costs system calls
			return d.DialContext(ctx, network, addr)
		},
	})
}

// Ask reads INFO server.
func Ask(ctx context.Context, addr netip.AddrPort) (Info, error) {
	c := Client(addr)
	defer c.Close()
	return AskOver(ctx, c)
}

// AskOver is Ask over a client of the caller's.
func AskOver(ctx context.Context, c *redis.Client) (Info, error) {
	text, err := c.Info(ctx, "server").Result()
	if err != nil {
		return Info{}, fmt.Errorf("INFO server of %s: %w", c.Options().Addr, err)
	}
	info, err := ParseInfo(text)
	if err != nil {
		return Info{}, fmt.Errorf("INFO server of %s: %w", c.Options().Addr, err)
	}
	return info, nil
}

// ParseInfo reads the text of INFO server.
func ParseInfo(text string) (Info, error) {
	f := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			f[k] = v
		}
	}
	info := Info{
		Product: "redis",
		Version: f["redis_version"],
		BuildID: f["redis_build_id"],
		Cluster: f["redis_mode"] == "cluster" || f["server_mode"] == "cluster",
		RunID:   f["run_id"],
	}
	if name := f["server_name"]; name != "" && name != "redis" {
		info.Product = name
		if v := f[name+"_version"]; v != "" {
			info.Version = v
		}
	}
	if info.Version == "" {
		return Info{}, errors.New("no redis_version in it")
	}
	if v := f["process_id"]; v != "" {
		pid, err := strconv.Atoi(v)
		if err != nil {
			return Info{}, fmt.Errorf("process_id %q is not a number", v)
		}
		info.PID = pid
	}
	if v := f["tcp_port"]; v != "" {
		port, err := strconv.ParseUint(v, 10, 16)
		if err != nil {
			return Info{}, fmt.Errorf("tcp_port %q is not a port", v)
		}
		info.Port = uint16(port)
	}
	return info, nil
}

// Directives lists the names of all configuration directives the server knows,
// or nil where CONFIG GET is not to be had.
func Directives(ctx context.Context, c *redis.Client) map[string]bool {
	all, err := c.ConfigGet(ctx, "*").Result()
	if err != nil || len(all) == 0 {
		return nil
	}
	names := make(map[string]bool, len(all))
	for name := range all {
		names[name] = true
	}
	return names
}

// Identity is the part of an oracle.Identity that the server itself told.
func (i Info) Identity() oracle.Identity {
	return oracle.Identity{Product: i.Product, Version: i.Version, BuildID: i.BuildID}
}
