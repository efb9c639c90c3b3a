// Command capturecommands records the command table of a running Redis into
// fixtures/commands: COMMAND INFO, COMMAND DOCS, every HELP text, and the
// answers of COMMAND GETKEYSANDFLAGS to a generated list of commands.
//
// Usage: go run ./internal/capturecommands -addr 127.0.0.1:6379 -out fixtures/commands
//
// The server must run in cluster mode with enable-debug-command yes, or the
// HELP text of DEBUG is missing and the tool fails.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/slotdiff/slotdiff/fixtures/commands"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:6379", "address of the Redis to record")
	out := flag.String("out", "fixtures/commands", "directory to write")
	flag.Parse()
	if err := run(context.Background(), *addr, *out); err != nil {
		fmt.Fprintln(os.Stderr, "capturecommands:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, out string) error {
	c := redis.NewClient(&redis.Options{Addr: addr, Protocol: 3, DisableIdentity: true})
	defer c.Close()
	version, err := serverVersion(ctx, c)
	if err != nil {
		return err
	}
	infos, err := captureInfos(ctx, c)
	if err != nil {
		return err
	}
	docs, err := captureDocs(ctx, c)
	if err != nil {
		return err
	}
	help, err := captureHelp(ctx, c, infos)
	if err != nil {
		return err
	}
	keys, err := captureGetKeys(ctx, c, infos)
	if err != nil {
		return err
	}
	for name, b := range map[string][]byte{
		"VERSION":     []byte(version + "\n"),
		"table.jsonl": infos2lines(infos),
		"docs.jsonl":  docs,
		"help.txt":    help,
		"getkeys.txt": keys,
	} {
		if err := os.WriteFile(filepath.Join(out, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func serverVersion(ctx context.Context, c *redis.Client) (string, error) {
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		return "", err
	}
	for line := range strings.SplitSeq(info, "\r\n") {
		if v, ok := strings.CutPrefix(line, "redis_version:"); ok {
			return v, nil
		}
	}
	return "", fmt.Errorf("INFO of %s names no redis_version", c.Options().Addr)
}

func infos2lines(infos []commands.Info) []byte {
	var b bytes.Buffer
	for i := range infos {
		writeLine(&b, &infos[i])
	}
	return b.Bytes()
}

// writeLine writes v as one JSON line without escaping <, > and &.
func writeLine(b *bytes.Buffer, v any) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // our own types always encode
	}
}

func captureInfos(ctx context.Context, c *redis.Client) ([]commands.Info, error) {
	reply, err := c.Do(ctx, "COMMAND").Slice()
	if err != nil {
		return nil, err
	}
	var infos []commands.Info
	for _, e := range reply {
		infos = appendInfo(infos, e.([]any))
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].Name < infos[j].Name })
	return infos, nil
}

// appendInfo flattens one element of COMMAND and its subcommands.
func appendInfo(infos []commands.Info, e []any) []commands.Info {
	in := commands.Info{
		Name:       e[0].(string),
		Arity:      int(e[1].(int64)),
		Flags:      texts(e[2]),
		FirstKey:   int(e[3].(int64)),
		LastKey:    int(e[4].(int64)),
		KeyStep:    int(e[5].(int64)),
		Categories: texts(e[6]),
		Tips:       texts(e[7]),
	}
	for _, s := range e[8].([]any) {
		in.KeySpecs = append(in.KeySpecs, keySpec(s.(map[any]any)))
	}
	subs := e[9].([]any)
	in.Container = len(subs) > 0
	infos = append(infos, in)
	for _, s := range subs {
		infos = appendInfo(infos, s.([]any))
	}
	return infos
}

func keySpec(m map[any]any) commands.KeySpec {
	s := commands.KeySpec{Flags: texts(m["flags"])}
	s.Notes, _ = m["notes"].(string)
	bs := m["begin_search"].(map[any]any)
	s.BeginSearch = bs["type"].(string)
	spec := bs["spec"].(map[any]any)
	switch s.BeginSearch {
	case "index":
		s.Index = integer(spec["index"])
	case "keyword":
		s.Keyword = spec["keyword"].(string)
		s.StartFrom = integer(spec["startfrom"])
	}
	fk := m["find_keys"].(map[any]any)
	s.FindKeys = fk["type"].(string)
	spec = fk["spec"].(map[any]any)
	switch s.FindKeys {
	case "range":
		s.LastKey, s.KeyStep, s.Limit = integer(spec["lastkey"]), integer(spec["keystep"]), integer(spec["limit"])
	case "keynum":
		s.KeyNumIdx, s.FirstKey, s.KeyStep = integer(spec["keynumidx"]), integer(spec["firstkey"]), integer(spec["keystep"])
	}
	return s
}

func integer(v any) int { return int(v.(int64)) }

func texts(v any) []string {
	var out []string
	for _, e := range v.([]any) {
		out = append(out, e.(string))
	}
	return out
}

func captureDocs(ctx context.Context, c *redis.Client) ([]byte, error) {
	reply, err := c.Do(ctx, "COMMAND", "DOCS").Result()
	if err != nil {
		return nil, err
	}
	docs := map[string]commands.Doc{}
	collectDocs(docs, reply.(map[any]any))
	names := make([]string, 0, len(docs))
	for n := range docs {
		names = append(names, n)
	}
	sort.Strings(names)
	var b bytes.Buffer
	for _, n := range names {
		writeLine(&b, docs[n])
	}
	return b.Bytes(), nil
}

func collectDocs(docs map[string]commands.Doc, m map[any]any) {
	for name, v := range m {
		dm := v.(map[any]any)
		d := commands.Doc{Name: name.(string)}
		d.Summary, _ = dm["summary"].(string)
		d.Since, _ = dm["since"].(string)
		d.Group, _ = dm["group"].(string)
		d.Complexity, _ = dm["complexity"].(string)
		d.DeprecatedSince, _ = dm["deprecated_since"].(string)
		d.ReplacedBy, _ = dm["replaced_by"].(string)
		if f, ok := dm["doc_flags"]; ok {
			d.DocFlags = texts(f)
		}
		if h, ok := dm["history"].([]any); ok {
			for _, e := range h {
				d.History = append(d.History, [2]string{e.([]any)[0].(string), e.([]any)[1].(string)})
			}
		}
		d.Arguments = docArgs(dm["arguments"])
		docs[d.Name] = d
		if subs, ok := dm["subcommands"].(map[any]any); ok {
			collectDocs(docs, subs)
		}
	}
}

func docArgs(v any) []commands.Arg {
	list, _ := v.([]any)
	var out []commands.Arg
	for _, e := range list {
		m := e.(map[any]any)
		a := commands.Arg{Name: m["name"].(string), Type: m["type"].(string)}
		a.DisplayText, _ = m["display_text"].(string)
		if i, ok := m["key_spec_index"].(int64); ok {
			n := int(i)
			a.KeySpecIndex = &n
		}
		if t, ok := m["token"].(string); ok {
			a.Token = &t
		}
		a.Summary, _ = m["summary"].(string)
		a.Since, _ = m["since"].(string)
		a.DeprecatedSince, _ = m["deprecated_since"].(string)
		if f, ok := m["flags"]; ok {
			a.Flags = texts(f)
		}
		a.Arguments = docArgs(m["arguments"])
		out = append(out, a)
	}
	return out
}

// captureHelp records X HELP of every container: a line "# X", then its lines.
func captureHelp(ctx context.Context, c *redis.Client, infos []commands.Info) ([]byte, error) {
	names := []string{"debug"} // the one command with HELP that is no container
	for _, in := range infos {
		if in.Container {
			names = append(names, in.Name)
		}
	}
	sort.Strings(names)
	var b bytes.Buffer
	for _, n := range names {
		lines, err := c.Do(ctx, n, "HELP").StringSlice()
		if err != nil {
			return nil, fmt.Errorf("%s HELP: %w", n, err)
		}
		fmt.Fprintf(&b, "# %s\n", strings.ToUpper(n))
		for _, l := range lines {
			b.WriteString(l + "\n")
		}
	}
	return b.Bytes(), nil
}
