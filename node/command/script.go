package command

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/table"
	"github.com/slotdiff/slotdiff/node/script"
	"github.com/slotdiff/slotdiff/wire/resp"
)

func init() {
	register(map[string]handler{
		"eval":          func(e *Engine, c *Client) { evalText(e, c) },
		"eval_ro":       func(e *Engine, c *Client) { evalText(e, c) },
		"evalsha":       func(e *Engine, c *Client) { evalSHA(e, c) },
		"evalsha_ro":    func(e *Engine, c *Client) { evalSHA(e, c) },
		"fcall":         func(_ *Engine, c *Client) { c.err("ERR Function not found") },
		"fcall_ro":      func(_ *Engine, c *Client) { c.err("ERR Function not found") },
		"script|load":   scriptLoad,
		"script|exists": scriptExists,
		"script|flush":  scriptFlush,
		"script|kill":   func(_ *Engine, c *Client) { c.err("NOTBUSY No scripts in execution right now.") },
	})
}

// cached is a script that was run or loaded.
type cached struct {
	sha     string
	body    string // without the shebang, the line break kept
	program script.Program
	loaded  bool   // by SCRIPT LOAD, so it stays until SCRIPT FLUSH
	used    uint64 // counts uses of all scripts
	declared
}

// declared are the flags of a shebang (script.c:scripts_flags_def).
type declared struct {
	shebang                                                bool
	noWrites, allowOOM, allowStale, noCluster, crossSlotOK bool
}

// parseScript mirrors eval.c:evalExtractShebangFlags.
func parseScript(text string) (s *cached, wrong string) {
	sum := sha1.Sum([]byte(text))
	s = &cached{sha: hex.EncodeToString(sum[:]), body: text}
	if !strings.HasPrefix(text, "#!") {
		return s, ""
	}
	end := strings.IndexByte(text, '\n')
	if end < 0 {
		return nil, "Invalid script shebang"
	}
	words, ok := resp.SplitArgs([]byte(text[:end]))
	if !ok || len(words) == 0 {
		return nil, "Invalid engine in script shebang"
	}
	if string(words[0]) != "#!lua" {
		return nil, "Unexpected engine in script shebang: " + string(words[0])
	}
	s.shebang, s.body = true, text[end:]
	for _, w := range words[1:] {
		flags, ok := strings.CutPrefix(string(w), "flags=")
		if !ok {
			return nil, "Unknown lua shebang option: " + string(w)
		}
		if flags == "" {
			continue
		}
		for f := range strings.SplitSeq(flags, ",") {
			switch f {
			case "no-writes":
				s.noWrites = true
			case "allow-oom":
				s.allowOOM = true
			case "allow-stale":
				s.allowStale = true
			case "no-cluster":
				s.noCluster = true
			case "allow-cross-slot-keys":
				s.crossSlotOK = true
			default:
				return nil, "Unexpected flag in script shebang: " + f
			}
		}
	}
	return s, ""
}

// luaEngine compiles scripts; it keeps nothing.
var luaEngine = script.NewLua()

// flagsOf are the flags of a command as it stands: a script that declares its own
// replaces those of EVAL. Mirrors server.c:getCommandFlags.
func (e *Engine) flagsOf(cmd *table.Command, argv [][]byte) table.Flag {
	var s *cached
	switch cmd.Name {
	case "eval", "eval_ro":
		if !strings.HasPrefix(string(argv[1]), "#!") {
			return cmd.Flags
		}
		s, _ = parseScript(string(argv[1]))
	case "evalsha", "evalsha_ro":
		s = e.scripts[strings.ToLower(string(argv[1]))]
	}
	if s == nil || !s.shebang {
		return cmd.Flags
	}
	f := cmd.Flags &^ (table.Stale | table.DenyOOM | table.Write | table.MayReplicate)
	if !s.noWrites {
		f |= table.Write
		if !s.allowOOM {
			f |= table.DenyOOM
		}
	}
	if s.allowStale {
		f |= table.Stale
	}
	return f
}

func evalText(e *Engine, c *Client) {
	if keys, ok := c.scriptKeys(); ok {
		if s := e.addScript(c, string(c.argv[1]), false); s != nil {
			e.runScript(c, s, keys)
		}
	}
}

const noScript = "NOSCRIPT No matching script. Please use EVAL."

func evalSHA(e *Engine, c *Client) {
	if len(c.argv[1]) != 2*sha1.Size {
		c.err(noScript)
		return
	}
	keys, ok := c.scriptKeys()
	if !ok {
		return
	}
	if s := e.scripts[strings.ToLower(string(c.argv[1]))]; s != nil {
		e.runScript(c, s, keys)
	} else {
		c.err(noScript)
	}
}

// scriptKeys reads the number of keys or replies. Mirrors
// eval.c:evalGenericCommand.
func (c *Client) scriptKeys() (int, bool) {
	n, ok := c.intArg(c.argv[2])
	switch {
	case !ok:
	case n > int64(len(c.argv)-3):
		c.err("ERR Number of keys can't be greater than number of args")
	case n < 0:
		c.err("ERR Number of keys can't be negative")
	default:
		return int(n), true
	}
	return 0, false
}

// maxEvaluated is how many scripts that only EVAL has seen are remembered
// (eval.c:LRU_LIST_LENGTH).
const maxEvaluated = 500

// addScript compiles and remembers a text, or replies. Mirrors
// eval.c:luaCreateFunction.
func (e *Engine) addScript(c *Client, text string, loaded bool) *cached {
	sum := sha1.Sum([]byte(text))
	if s := e.scripts[hex.EncodeToString(sum[:])]; s != nil {
		return s
	}
	s, wrong := parseScript(text)
	if wrong == "" {
		var err error
		if s.program, err = luaEngine.Compile(s.body); err != nil {
			wrong = "Error compiling script (new function): " + err.Error()
		}
	}
	if wrong != "" {
		c.err("ERR " + wrong)
		return nil
	}
	if s.loaded = loaded; !loaded {
		e.evictScripts()
	}
	e.scripts[s.sha] = s
	e.useScript(s)
	return s
}

func (e *Engine) useScript(s *cached) {
	e.scriptUses++
	s.used = e.scriptUses
}

// evictScripts makes room for one more script of EVAL.
func (e *Engine) evictScripts() {
	var oldest *cached
	n := 0
	for _, s := range e.scripts { // the least of distinct numbers: any order will do
		if s.loaded {
			continue
		}
		n++
		if oldest == nil || s.used < oldest.used {
			oldest = s
		}
	}
	if n >= maxEvaluated {
		delete(e.scripts, oldest.sha)
	}
}

func scriptLoad(e *Engine, c *Client) {
	if s := e.addScript(c, string(c.argv[2]), true); s != nil {
		c.text(s.sha)
	}
}

func scriptExists(e *Engine, c *Client) {
	c.array(len(c.argv) - 2)
	for _, a := range c.argv[2:] {
		c.int(int64(b2i(e.scripts[strings.ToLower(string(a))] != nil)))
	}
}

func scriptFlush(e *Engine, c *Client) {
	if len(c.argv) > 3 || len(c.argv) == 3 && !table.IsOption(c.argv[2], "sync") && !table.IsOption(c.argv[2], "async") {
		c.err("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
		return
	}
	clear(e.scripts)
	c.ok()
}
