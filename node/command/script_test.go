package command

import (
	"fmt"
	"strings"
	"testing"
)

// eval runs argument vectors, since scripts have spaces.
func (r *rig) eval(argv ...string) string {
	var b [][]byte
	for _, a := range argv {
		b = append(b, []byte(a))
	}
	r.e.SetNow(r.now * 1000)
	r.e.Execute(r.client("a"), b)
	r.settle()
	return r.take("a")
}

// The texts are those of redis 8.6.3.
func TestScriptCommands(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		argv []string
		want string
	}{
		{[]string{"EVAL", "return redis.call('set', KEYS[1], ARGV[1])", "1", "b", "v"}, "+OK"},
		{[]string{"EVAL", "return redis.call('get', KEYS[1])", "1", "b"}, "$1|v"},
		{[]string{"EVAL", "return 1", "x"}, "-ERR value is not an integer or out of range"},
		{[]string{"EVAL", "return 1", "-1"}, "-ERR Number of keys can't be negative"},
		{[]string{"EVAL", "return 1", "2", "b"}, "-ERR Number of keys can't be greater than number of args"},
		{[]string{"EVAL", "return 1", "1", "world"}, "-MOVED 9059 127.0.0.1:7001"},
		{[]string{"EVAL", "return redis.pcall('get', 'world')", "0"}, "-ERR Script attempted to access a non local key in a cluster node"},
		{[]string{"EVAL", "return redis.pcall('mget', 'b', 'c')", "0"}, "-ERR Command 'mget' in script attempted to access keys that don't hash to the same slot"},
		{[]string{"EVAL", "#!lua\nredis.call('get', 'b') return redis.pcall('get', '{hello}1')", "0"}, "-ERR Script attempted to access a non local key in a cluster node"},
		{[]string{"EVAL", "#!lua\nredis.call('get', 'b') return redis.pcall('get', 'c')", "0"}, "-ERR Script attempted to access keys that do not hash to the same slot"},
		{[]string{"EVAL", "#!lua flags=allow-cross-slot-keys\nredis.call('get', 'b') return redis.pcall('get', 'c')", "0"}, "$-1"},
		{[]string{"EVAL", "#!lua flags=no-cluster\nreturn 1", "0"}, "-ERR Can not run script on cluster, 'no-cluster' flag is set."},
		{[]string{"EVAL", "#!lua flags=\nreturn 1", "0"}, ":1"},
		{[]string{"EVAL", "#!lua flags=no-writes,x\nreturn 1", "0"}, "-ERR Unexpected flag in script shebang: x"},
		{[]string{"EVAL", "#!lua x\nreturn 1", "0"}, "-ERR Unknown lua shebang option: x"},
		{[]string{"EVAL", "#!x\nreturn 1", "0"}, "-ERR Unexpected engine in script shebang: #!x"},
		{[]string{"EVAL", "#!lua", "0"}, "-ERR Invalid script shebang"},
		{[]string{"EVAL_RO", "#!lua\nreturn 1", "0"}, "-ERR Can not execute a script with write flag using *_ro command."},
		{[]string{"EVAL_RO", "return redis.pcall('set', 'b', '1')", "0"}, "-ERR Write commands are not allowed from read-only scripts."},
		{[]string{"EVAL_RO", "return redis.pcall('publish', 'b', '1')", "0"}, "-ERR Write commands are not allowed from read-only scripts."},
		{[]string{"EVAL", "return redis.pcall('eval', 'return 1', 0)", "0"}, "-ERR This Redis command is not allowed from script"},
		{[]string{"EVAL", "return redis.call('blpop', KEYS[1], 0)", "1", "{b}none"}, "$-1"},
		{[]string{"EVAL", "x = = 1", "0"}, "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '='"},
		{[]string{"EVALSHA", "x", "0"}, "-NOSCRIPT No matching script. Please use EVAL."},
		{[]string{"SCRIPT", "LOAD", "return 42"}, "$40|1fa00e76656cc152ad327c13fe365858fd7be306"},
		{[]string{"EVALSHA", "1FA00E76656CC152AD327C13FE365858FD7BE306", "0"}, ":42"},
		{[]string{"SCRIPT", "EXISTS", "x", "1fa00e76656cc152ad327c13fe365858fd7be306"}, "*2|:0|:1"},
		{[]string{"SCRIPT", "KILL"}, "-NOTBUSY No scripts in execution right now."},
		{[]string{"SCRIPT", "FLUSH", "x"}, "-ERR SCRIPT FLUSH only support SYNC|ASYNC option"},
		{[]string{"SCRIPT", "FLUSH"}, "+OK"},
		{[]string{"EVALSHA", "1fa00e76656cc152ad327c13fe365858fd7be306", "0"}, "-NOSCRIPT No matching script. Please use EVAL."},
		{[]string{"FCALL", "f", "0"}, "-ERR Function not found"},
	} {
		if got := strings.TrimSuffix(strings.ReplaceAll(r.eval(c.argv...), "\r\n", "|"), "|"); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.argv, got, c.want)
		}
	}
}

// TestScriptErrorsCountOnce: an error that a script hands on was counted when the
// command made it.
func TestScriptErrorsCountOnce(t *testing.T) {
	r := newRig(t)
	r.eval("EVAL", "return redis.call('nosuch')", "0")
	r.eval("EVAL", "return redis.pcall('set')", "0")
	r.eval("EVAL", "error('x')", "0")
	if n := r.e.stats.errors; n != 3 {
		t.Errorf("%d errors counted, want 3", n)
	}
}

// TestScriptsPermissions: a script has the rights of its caller.
func TestScriptsPermissions(t *testing.T) {
	r := newRig(t)
	r.eval("ACL", "SETUSER", "alice", "on", ">secret", "~b", "+@all", "-set")
	r.eval("AUTH", "alice", "secret")
	for script, want := range map[string]string{
		"return redis.pcall('set', 'b', '1')":    "-ERR ACL failure in script: User alice has no permissions to run the 'set' command\r\n",
		"return redis.pcall('get', 'c')":         "-ERR ACL failure in script: No permissions to access a key\r\n",
		"return redis.acl_check_cmd('get', 'b')": ":1\r\n",
		"return redis.acl_check_cmd('get', 'c')": "$-1\r\n",
		"return redis.pcall('acl', 'whoami')":    "-ERR This Redis command is not allowed from script\r\n",
	} {
		if got := r.eval("EVAL", script, "0"); got != want {
			t.Errorf("%s\n got %q\nwant %q", script, got, want)
		}
	}
}

// TestScriptCache: of the scripts that only EVAL has seen the last 500 stay, and
// all that were loaded.
func TestScriptCache(t *testing.T) {
	r := newRig(t)
	r.eval("SCRIPT", "LOAD", "return 'loaded'")
	for i := range maxEvaluated + 1 {
		r.eval("EVAL", fmt.Sprintf("return %d", i), "0")
		r.eval("EVAL", "return 0", "0")
	}
	if n := len(r.e.scripts); n != maxEvaluated+1 {
		t.Errorf("%d scripts are kept", n)
	}
	for text, want := range map[string]bool{"return 'loaded'": true, "return 0": true, "return 1": false, "return 2": true} {
		s, _ := parseScript(text)
		if (r.e.scripts[s.sha] != nil) != want {
			t.Errorf("%s: kept %v", text, !want)
		}
	}
}
