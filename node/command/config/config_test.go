package config

import (
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	c := New()
	text := "# comment\nport 7000\ncluster-enabled YES\nsave 900 1\nsave 300 10\nmaxmemory 1kb\nbind 127.0.0.1 ::1\n" +
		CommandLine([]string{"--port", "7001", "--save", "--cluster-announce-hostname", "h.example", "--appendonly yes"})
	if err := c.Load(text, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"port": "7001", "cluster-enabled": "yes", "maxmemory": "1024", "bind": "127.0.0.1 ::1",
		"save": "", "cluster-announce-hostname": "h.example", "appendonly": "yes",
	} {
		if got := c.Text(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"port 7000\nnosuch 1":      "Reading the configuration file, at line 2\n>>> 'nosuch 1'\nBad directive or wrong number of arguments: 'nosuch' is not known",
		"port 70000":               "argument must be between 0 and 65535 inclusive",
		"port":                     "wrong number of arguments",
		"port 1 2":                 "wrong number of arguments",
		"cluster-enabled maybe":    "argument must be 'yes' or 'no'",
		"dir \"x":                  "Unbalanced quotes in configuration line",
		"loglevel loud":            "argument(s) must be one of the following: debug, verbose, notice, warning, nothing",
		"maxmemory x":              "argument must be a memory value",
		"save 1":                   "Invalid save parameters",
		"cluster-node-timeout abc": "argument couldn't be parsed into an integer",
		"cluster-enabled yes\nreplicaof 127.0.0.1 1": "replicaof directive not allowed in cluster mode",
	} {
		err := New().Load(text, nil)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("Load(%q) = %v, want %q", text, err, want)
		}
	}
}

func TestSet(t *testing.T) {
	apply := func([]string) (string, string) { return "", "" }
	for _, tc := range []struct{ pairs, want string }{
		{"nosuch 1", "Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
		{"cluster-enabled no", "CONFIG SET failed (possibly related to argument 'cluster-enabled') - can't set immutable config"},
		{"dir /", "CONFIG SET failed (possibly related to argument 'dir') - can't set protected config"},
		{"timeout 1 timeout 2", "CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter"},
		{"timeout -1", "CONFIG SET failed (possibly related to argument 'timeout') - argument must be between 0 and 2147483647 inclusive"},
		{"cluster-announce-hostname a_b", "CONFIG SET failed (possibly related to argument 'cluster-announce-hostname') - Hostnames may only contain alphanumeric characters, hyphens or dots"},
		{"TIMEOUT 7", ""},
	} {
		c := New()
		if got := c.Set(strings.Fields(tc.pairs), false, apply); got != tc.want {
			t.Errorf("Set(%s)\n got %q\nwant %q", tc.pairs, got, tc.want)
		}
	}
	c := New()
	if got := c.Set([]string{"timeout", "5", "hz", "bad"}, false, apply); got == "" || c.Int("timeout") != 0 {
		t.Errorf("a failed Set left timeout %d (%q)", c.Int("timeout"), got)
	}
	refuse := func(changed []string) (string, string) { return changed[0], "no" }
	if got := c.Set([]string{"timeout", "5"}, false, refuse); got == "" || c.Int("timeout") != 0 {
		t.Errorf("a refused Set left timeout %d (%q)", c.Int("timeout"), got)
	}
}

func TestGet(t *testing.T) {
	c := New()
	if got := c.Get("PORT", "port", "slave-priority", "aof-disable-auto-gc"); len(got) != 3 || got[0] != (Entry{"port", "6379"}) {
		t.Errorf("Get = %v", got)
	}
	for _, e := range c.Get("*") {
		if e.Name == "aof-disable-auto-gc" {
			t.Error("a pattern shows a hidden directive")
		}
	}
}
