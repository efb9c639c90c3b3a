package repotest

import (
	"slices"
	"strings"
	"testing"
)

// importRule limits what packages below From may depend on.
type importRule struct {
	// From are folders; the rule holds for each package in or below them, but for
	// those in or below Except.
	From, Except []string
	// Exact means that packages below From are not meant.
	Exact bool
	// Ours, if not nil, lists all folders of ours that may be imported.
	Ours []string
	// Never lists folders of ours, or paths of others, that must not be linked, not
	// even through another package.
	Never []string
	// NotDirectly lists packages that must not be imported by the package itself.
	// "net/" means everything below net.
	NotDirectly []string
	// But lists exceptions of NotDirectly.
	But []string
	// Reason is why.
	Reason string
}

var clockSocketLockLogChance = []string{
	"net", "net/", "os", "os/", "io/ioutil", "sync", "sync/", "log", "log/", "syscall", "runtime", "runtime/",
	"math/rand", "crypto/rand", "context", "testing", "unsafe", "golang.org/x/sys/", "golang.org/x/sync/",
}

var importRules = []importRule{
	{
		From: []string{"slot", "wire/resp"}, Ours: []string{},
		Reason: "they are leaves: everything leans on them, so they lean on nothing of ours",
	},
	{
		From: []string{"wire/bus"}, Ours: []string{"slot"},
		Reason: "the codec serves the tester and the tested alike; it must belong to neither",
	},
	{
		// nodesconf is text and back, as pure as the core whose snapshot it writes.
		From: []string{"node/cluster", "node/asm", "node/nodesconf"}, Ours: []string{"slot", "wire/bus", "node/cluster", "node/asm", "node/nodesconf"},
		NotDirectly: clockSocketLockLogChance, But: []string{"net/netip"},
		Reason: "the core is a deterministic state machine: events in, effects out; a clock, socket, lock, log or chance of its own cannot be simulated",
	},
	{
		From: []string{"node/aof"}, Ours: []string{"wire/resp"},
		NotDirectly: []string{"time", "sync", "sync/"},
		Reason:      "the log is bytes in files: commands get their meaning, and syncing its time, elsewhere",
	},
	{
		From: []string{"node"}, Never: []string{"harness", "oracle", "cmd", "github.com/testcontainers/testcontainers-go", "testing"},
		Reason: "the tested must not know the tester",
	},
	{
		From: []string{"node"}, Except: []string{"node/server"},
		NotDirectly: []string{"net", "net/", "os/exec", "os/signal", "syscall"}, But: []string{"net/netip"},
		Reason: "sockets and processes under node/ belong to node/server alone: what is outside of the core cannot be simulated",
	},
	{
		From: []string{"harness/puppet", "harness/relay"}, Never: []string{"node"},
		Reason: "the tester must not lean on the tested: a wrong belief of the node would be shared by its test",
	},
	{
		From: []string{"harness/runner"},
		Never: []string{
			"node", "oracle/process", "oracle/container", "oracle/provision", "oracle/bundled", "oracle/external", "oracle/choose",
			"github.com/testcontainers/testcontainers-go", "harness/evidence", "harness/report",
		},
		Reason: "the runner knows oracle's interfaces, never a driver, and treats both sides alike",
	},
	{
		From: []string{"harness/contract", "harness/verdict"}, Ours: []string{},
		Reason: "they are data that every other package of the harness shares",
	},
	{
		From: []string{"harness/scenario"}, Ours: []string{"harness/contract"},
		Reason: "a case is text; its parser knows nothing of execution",
	},
	{
		From: []string{"harness/mask", "harness/diff"}, Never: []string{"oracle", "node", "harness/runner", "harness/puppet"},
		Reason: "masks and comparison work on canonical text, whoever said it",
	},
	{
		From: []string{"harness/evidence", "harness/report"},
		Never: []string{
			"node", "harness/runner", "harness/puppet", "harness/relay", "harness/sim", "harness/mask",
			"oracle/process", "oracle/container", "oracle/provision", "oracle/bundled", "oracle/external", "oracle/choose",
			"github.com/testcontainers/testcontainers-go", "github.com/redis/go-redis",
		},
		Reason: "data in, bytes out: what a run left can be shown without anything that could run it",
	},
	{
		From: []string{"harness"}, Except: []string{"harness/sim"}, Never: []string{"node"},
		Reason: "only the simulator links the node's core; every other part of the harness meets it over the wire",
	},
	{
		From: []string{"harness/sim"}, Ours: []string{"slot", "wire/bus", "node/cluster", "node/nodesconf"},
		NotDirectly: []string{"net", "net/", "os", "os/", "sync", "sync/", "time", "math/rand", "crypto/rand", "context", "runtime", "testing"},
		But:         []string{"net/netip", "math/rand/v2"},
		Reason:      "a simulated world has no clock, socket, file or chance but its own: it is the core, and what its seed makes",
	},
	{
		From: []string{"oracle"}, Exact: true,
		Never:  []string{"github.com/testcontainers/testcontainers-go", "github.com/redis/go-redis", "harness", "node"},
		Reason: "the interfaces of oracle are linked by the runner and must stay light",
	},
	{
		From: []string{""}, Except: []string{"oracle/container"},
		NotDirectly: []string{"github.com/testcontainers/testcontainers-go", "github.com/testcontainers/testcontainers-go/"},
		Reason:      "container engines are the business of oracle/container alone",
	},
	{
		From: []string{"cmd/slotnode"}, Never: []string{"github.com/testcontainers/testcontainers-go", "harness", "oracle", "github.com/redis/go-redis", "github.com/spf13/cobra", "testing"},
		Reason: "slotnode is a server that people start; it must not carry the test tool",
	},
	{
		From: []string{"fuzz/commands"}, Never: []string{"node", "harness/sim", "oracle/process", "oracle/container", "oracle/provision", "oracle/bundled", "oracle/external", "oracle/choose"},
		Reason: "the fuzzer meets the node over the wire, and knows servers by oracle's interfaces only",
	},
	{
		From: []string{"fuzz/garbage"}, Never: []string{"oracle", "harness/runner", "github.com/spf13/cobra", "testing"},
		Reason: "garbage has no right answers: real Redis and cases are asked elsewhere",
	},
	{
		From: []string{"fuzz/cause", "fuzz/reduce", "fuzz/triage", "fuzz/quirks", "fuzz/campaign", "fuzz/corpus", "fuzz/mutate"},
		Never: []string{
			"node", "oracle/process", "oracle/container", "oracle/provision", "oracle/bundled", "oracle/external", "oracle/choose",
			"github.com/testcontainers/testcontainers-go", "github.com/spf13/cobra",
		},
		Reason: "what judges a finding knows oracle's interfaces, never a driver, and does not lean on the tested",
	},
	{
		From: []string{"fuzz/bus"},
		Never: []string{
			"node/server", "node/command", "oracle/process", "oracle/container", "oracle/provision", "oracle/bundled", "oracle/external", "oracle/choose",
			"github.com/testcontainers/testcontainers-go", "github.com/spf13/cobra", "testing",
		},
		Reason: "the core predicts what a packet does and never judges it; servers are met over the wire, through oracle's interfaces",
	},
	{
		From: []string{"cases", "fixtures"}, Ours: []string{"fixtures", "cases"},
		Reason: "they are data",
	},
}

func TestImports(t *testing.T) {
	pkgs := allPackages(t)
	for _, rule := range importRules {
		for _, p := range pkgs {
			if rule.covers(p.path()) {
				rule.check(t, p)
			}
		}
	}
}

func (r *importRule) covers(path string) bool {
	if r.Exact {
		return slices.Contains(r.From, path)
	}
	return (slices.Contains(r.From, "") || below(path, r.From...)) && !below(path, r.Except...)
}

func (r *importRule) check(t *testing.T, p *pkg) {
	t.Helper()
	for _, imp := range p.Imports {
		ours, isOurs := strings.CutPrefix(imp, module+"/")
		if isOurs && r.Ours != nil && !below(ours, r.Ours...) {
			t.Errorf("%s imports %s: %s", p.path(), ours, r.Reason)
		}
		if matches(imp, r.NotDirectly) && !slices.Contains(r.But, imp) {
			t.Errorf("%s imports %s: %s", p.path(), imp, r.Reason)
		}
	}
	for _, never := range r.Never {
		i := slices.IndexFunc(p.Deps, func(dep string) bool { return below(strings.TrimPrefix(dep, module+"/"), never) })
		if i >= 0 {
			t.Errorf("%s links %s: %s", p.path(), p.Deps[i], r.Reason)
		}
	}
}

func matches(imp string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return imp == p || strings.HasSuffix(p, "/") && strings.HasPrefix(imp, p)
	})
}

// Engines do not import testing: what a person runs must not need go test. Folders
// whose name ends in "test" are the thin adapters that may.
func TestEnginesDoNotImportTesting(t *testing.T) {
	for _, p := range allPackages(t) {
		if slices.Contains(p.Imports, "testing") && !strings.HasSuffix(p.path(), "test") {
			t.Errorf("%s imports testing outside of its tests: test machinery is ordinary code; only an adapter in a folder ending in \"test\" may", p.path())
		}
	}
}

// The rules above catch what they are there for.
func TestImportRulesBite(t *testing.T) {
	for path, imp := range map[string]string{
		"slot":            module + "/wire/bus",
		"wire/bus":        module + "/wire/resp",
		"node/cluster":    "sync",
		"node/store":      "net/http",
		"cases":           module + "/slot",
		"cmd/slotdiff":    "github.com/testcontainers/testcontainers-go/wait",
		"harness/verdict": module + "/oracle",
	} {
		caught := false
		for _, r := range importRules {
			ours, isOurs := strings.CutPrefix(imp, module+"/")
			caught = caught || r.covers(path) && (isOurs && r.Ours != nil && !below(ours, r.Ours...) ||
				matches(imp, r.NotDirectly) && !slices.Contains(r.But, imp))
		}
		if !caught {
			t.Errorf("no rule objects to %s importing %s", path, imp)
		}
	}
}
