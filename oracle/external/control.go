package external

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/slotdiff/slotdiff/oracle/probe"
)

// control is a connection to somebody's server that is kept while a case plays on it,
// with what the case may change: a case may set a password or take rights away, and
// only a connection from before still gets in.
type control struct {
	client *redis.Client
	conn   *redis.Conn
	config map[string]string // every directive
	users  []string          // ACL LIST; nil where the server has no users
}

func takeOver(ctx context.Context, addr netip.AddrPort) (*control, error) {
	c := &control{client: probe.Client(addr)}
	c.conn = c.client.Conn()
	var err error
	if c.config, err = c.conn.ConfigGet(ctx, "*").Result(); err != nil {
		return nil, errors.Join(fmt.Errorf("CONFIG GET *: %w", err), c.close())
	}
	c.users, _ = c.conn.ACLList(ctx).Result() // a server without ACL has nothing to restore
	return c, nil
}

func (c *control) close() error { return errors.Join(c.conn.Close(), c.client.Close()) }

// giveBack makes the server what it was: users and directives first, without which it
// may refuse the rest.
func (c *control) giveBack(ctx context.Context, addr netip.AddrPort) error {
	if c.conn.Ping(ctx).Err() != nil { // the case has closed it: perhaps a new one gets in
		_ = c.close() // it is broken
		c.client = probe.Client(addr)
		c.conn = c.client.Conn()
	}
	return errors.Join(c.restoreUsers(ctx), c.restoreConfig(ctx), wipe(ctx, c.conn), c.close())
}

// restoreUsers makes the users those of the list that was kept.
func (c *control) restoreUsers(ctx context.Context) error {
	now, err := c.conn.ACLList(ctx).Result()
	if c.users == nil || err == nil && slices.Equal(now, c.users) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ACL LIST: %w", err)
	}
	var errs []error
	had := map[string]bool{}
	for _, line := range c.users {
		f := strings.Fields(line) // "user NAME RULE ..."
		had[f[1]] = true
		if slices.Contains(now, line) {
			continue
		}
		args := []any{"ACL", "SETUSER", f[1], "reset"}
		for _, rule := range f[2:] {
			args = append(args, rule)
		}
		if err := c.conn.Do(ctx, args...).Err(); err != nil {
			errs = append(errs, fmt.Errorf("ACL SETUSER %s: %w", f[1], err))
		}
	}
	for _, line := range now {
		if name := strings.Fields(line)[1]; !had[name] {
			if err := c.conn.ACLDelUser(ctx, name).Err(); err != nil {
				errs = append(errs, fmt.Errorf("ACL DELUSER %s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// restoreConfig sets every directive that differs from what it was.
func (c *control) restoreConfig(ctx context.Context) error {
	now, err := c.conn.ConfigGet(ctx, "*").Result()
	if err != nil {
		return fmt.Errorf("CONFIG GET *: %w", err)
	}
	var errs []error
	for name, value := range c.config {
		if now[name] == value {
			continue
		}
		if err := c.conn.ConfigSet(ctx, name, value).Err(); err != nil {
			errs = append(errs, fmt.Errorf("CONFIG SET %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// wipe empties a server and makes it a cluster of its own, as fresh as one that runs
// can be.
func wipe(ctx context.Context, c *redis.Conn) error {
	// A replica refuses to be emptied, and a master with keys to be reset.
	role, err := c.Do(ctx, "ROLE").Slice()
	if err != nil {
		return fmt.Errorf("ROLE: %w", err)
	}
	if len(role) > 0 && role[0] != "slave" {
		if err := c.FlushAll(ctx).Err(); err != nil {
			return fmt.Errorf("FLUSHALL: %w", err)
		}
	}
	if err := c.Do(ctx, "CLUSTER", "RESET", "HARD").Err(); err != nil {
		return fmt.Errorf("CLUSTER RESET HARD: %w", err)
	}
	if err := c.FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("FLUSHALL: %w", err)
	}
	// What follows makes it look new where the server knows how; it is no error where
	// it does not. A change of the announced address makes Redis forget the one that it
	// learned from its peers, and RESETSTAT makes it count packets from zero.
	announced := c.ConfigGet(ctx, "cluster-announce-ip").Val()["cluster-announce-ip"]
	c.ConfigSet(ctx, "cluster-announce-ip", "127.0.0.1")
	c.ConfigSet(ctx, "cluster-announce-ip", announced)
	c.ConfigResetStat(ctx)
	return nil
}
