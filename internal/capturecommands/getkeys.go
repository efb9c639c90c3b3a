package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/slotdiff/slotdiff/fixtures/commands"
)

// words are the arguments that steer key extraction somewhere in the table.
var words = []string{"STORE", "STOREDIST", "KEYS", "STREAMS", "GET", "IFEQ", "IFDNE", "BY", "LIMIT", "GROUP", "BLOCK", "COUNT", "NOACK", "AUTH", "AUTH2", "COPY", "SET", "INCRBY", "OVERFLOW", ""}

// extra are commands whose extraction depends on more than one steering word.
var extra = []string{
	`sort k1 BY w_* GET # GET o_* STORE k2`, `sort k1 STORE k2 STORE k3`, `sort k1 GET STORE k2`, `sort k1 LIMIT STORE 1 STORE k3`, `sort k1 STORE`, `sort k1 BY STORE STORE k2`,
	`sort_ro k1 BY w_* GET o_*`, `sort_ro k1 STORE k2`,
	`xread COUNT 2 BLOCK 0 STREAMS k1 k2 0 0`, `xread STREAMS STREAMS 0`, `xread STREAMS k1 k2 0`, `xread STREAMS k1`, `xread BLOCK STREAMS STREAMS k1 0`, `xread FOO STREAMS k1 0`, `xread streams k1 0`,
	`xreadgroup GROUP STREAMS c STREAMS k1 >`, `xreadgroup GROUP g STREAMS STREAMS k1 k2 > >`, `xreadgroup GROUP g c NOACK COUNT 1 STREAMS k1 >`, `xreadgroup STREAMS k1 k2 0 0 a b`,
	`migrate h 1 k1 0 10`, `migrate h 1 "" 0 10 KEYS k1 k2`, `migrate h 1 k1 0 10 KEYS k2 k3`, `migrate h 1 "" 0 10 COPY REPLACE AUTH KEYS KEYS k1`, `migrate h 1 "" 0 10 AUTH2 KEYS p KEYS k1 k2`, `migrate h 1 "" 0 10 KEYS`, `migrate h 1 "" 0 10`, `migrate h 1 "" 0 10 KEYS KEYS`,
	`georadius k1 1 2 3 m STORE k2 STOREDIST k3`, `georadius k1 1 2 3 m COUNT STORE k2`, `georadius k1 1 2 3 m STORE`, `georadiusbymember k1 m 3 m STOREDIST k2`, `georadiusbymember k1 m 3 m`, `georadiusbymember k1 m 3 STORE STORE k2`,
	`eval s 0`, `eval s 2 k1 k2 a`, `eval s 3 k1 k2`, `eval s -1 k1`, `eval s x k1`, `evalsha s 1 k1`, `eval_ro s 1 k1`, `evalsha_ro s 2 k1 k2`, `fcall f 1 k1`, `fcall f 0`, `fcall_ro f 1 k1 k2`, `fcall f 99999999999999999999 k1`,
	`zunionstore k1 2 k2 k3 WEIGHTS 1 2`, `zunionstore k1 3 k2 k3`, `zunionstore k1 0 k2`, `zunion 2 k1 k2`, `zunion 2 k1 k2 WITHSCORES`, `zinter 1 k1`, `zdiff 2 k1 k2`, `zintercard 2 k1 k2 LIMIT 1`, `sintercard 2 k1 k2`, `sintercard 01 k1 k2`, `sintercard +1 k1`,
	`lmpop 2 k1 k2 LEFT`, `blmpop 0 2 k1 k2 LEFT`, `zmpop 1 k1 MIN`, `bzmpop 0 2 k1 k2 MAX`, `bzmpop 0 2 k1`,
	`set k1 v GET`, `set k1 v EX 1 get`, `set k1 v IFEQ x`, `set k1 v IFDNE x GET`, `set k1 GET`, `delex k1 IFEQ v`, `delex k1`,
	`bitfield k1 GET u8 0`, `bitfield k1 SET u8 0 1`, `bitfield k1 GET u8 0 INCRBY u8 0 1`, `bitfield k1 OVERFLOW SAT GET u8 0`, `bitfield k1 GET u8`, `bitfield k1 FOO`, `bitfield_ro k1 GET u8 0`,
	`bitop AND k1 k2 k3`, `bitop NOT k1 k2`, `mset k1 v k2 v`, `mset k1 v k2`, `msetex 2 k1 v k2 v EX 1`, `msetex 3 k1 v k2 v`, `msetnx k1 v k2 v`,
	`object encoding k1`, `object freq k1`, `object help`, `memory usage k1`, `memory usage k1 SAMPLES 5`, `memory doctor`, `xgroup create k1 g $`, `xinfo stream k1`, `debug object k1`, `copy k1 k2`, `rename k1 k2`,
	`blpop k1 k2 0`, `brpoplpush k1 k2 0`, `lmove k1 k2 LEFT RIGHT`, `smove k1 k2 m`, `pfmerge k1 k2 k3`, `pfcount k1 k2`, `watch k1 k2`, `geosearchstore k1 k2 FROMLONLAT 1 2 BYRADIUS 1 m`, `zrangestore k1 k2 0 -1`,
	`spublish c m`, `ssubscribe c1 c2`, `sunsubscribe c1`, `publish c m`, `subscribe c`, `ping`, `multi`, `command getkeys get k1`, `cluster keyslot k1`, `config get x`, `nosuch k1`, `get`, `get k1 k2`, `config`, `config nosuch`,
}

// captureGetKeys writes "argv -> reply" lines; a reply is "-ERR text" or
// space-separated "key:FLAG+flag" items, "(none)" for an empty array.
func captureGetKeys(ctx context.Context, c *redis.Client, infos []commands.Info) ([]byte, error) {
	var b bytes.Buffer
	seen := map[string]bool{}
	for _, argv := range vectors(infos) {
		line := commands.JoinArgs(argv)
		if seen[line] {
			continue
		}
		seen[line] = true
		args := []any{"COMMAND", "GETKEYSANDFLAGS"}
		for _, a := range argv {
			args = append(args, a)
		}
		reply, err := c.Do(ctx, args...).Slice()
		fmt.Fprintf(&b, "%s -> ", line)
		switch {
		case err != nil && strings.HasPrefix(err.Error(), "ERR "):
			fmt.Fprintf(&b, "-%s\n", err)
		case err != nil:
			return nil, fmt.Errorf("COMMAND GETKEYSANDFLAGS %s: %w", line, err)
		case len(reply) == 0:
			b.WriteString("(none)\n")
		default:
			for i, e := range reply {
				if i > 0 {
					b.WriteByte(' ')
				}
				p := e.([]any)
				fmt.Fprintf(&b, "%s:%s", commands.JoinArgs([]string{p[0].(string)}), strings.Join(texts(p[1]), "+"))
			}
			b.WriteByte('\n')
		}
	}
	return b.Bytes(), nil
}

// vectors makes the argument vectors: for every command some lengths around its
// arity, and for commands whose keys move also numbers and steering words.
func vectors(infos []commands.Info) [][]string {
	var out [][]string
	for _, in := range infos {
		if in.Container && in.Name != "command" {
			continue
		}
		head := strings.Split(in.Name, "|")
		min := in.Arity
		if min < 0 {
			min = -min
		}
		lens := []int{min, min + 1, min + 2, min + 3}
		if in.Arity > 0 {
			lens = []int{min, min + 1}
		}
		for _, n := range lens {
			plain := slices.Clone(head)
			for len(plain) < n {
				plain = append(plain, "k"+strconv.Itoa(len(plain)))
			}
			out = append(out, plain)
			if !moves(in) {
				continue
			}
			for i := len(head); i < len(plain); i++ {
				for _, w := range []string{"0", "1", "2", "-1", "9"} {
					out = append(out, replaced(plain, i, w))
				}
			}
			for _, w := range words {
				for _, i := range []int{len(plain) - 2, len(plain) - 1} {
					if i >= len(head) {
						out = append(out, replaced(plain, i, w))
					}
				}
			}
		}
	}
	for _, e := range extra {
		argv, err := commands.SplitArgs(e)
		if err != nil {
			panic(err) // a typing error in the list above
		}
		out = append(out, argv)
	}
	return out
}

// moves reports whether the place of a key depends on the arguments.
func moves(in commands.Info) bool {
	for _, s := range in.KeySpecs {
		if s.BeginSearch != "index" || s.FindKeys != "range" || slices.Contains(s.Flags, "incomplete") || slices.Contains(s.Flags, "variable_flags") {
			return true
		}
	}
	return slices.Contains(in.Flags, "movablekeys")
}

func replaced(argv []string, i int, w string) []string {
	c := slices.Clone(argv)
	c[i] = w
	return c
}
