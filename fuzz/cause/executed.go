package cause

import "strings"

// NotExecuted begins the bundled node's refusal of a command that it knows and does not run. Of such a command
// only what comes before it would run is compared: arity, permission, route.
const NotExecuted = "-ERR slotnode does not execute '"

// beforeRunning are the beginnings of errors that a command is refused with before it runs.
var beforeRunning = []string{
	"MOVED ", "ASK ", "TRYAGAIN ", "CROSSSLOT ", "CLUSTERDOWN ", "READONLY ", "NOAUTH ", "NOPERM ", "MASTERDOWN ", "EXECABORT ",
	"ERR unknown command", "ERR unknown subcommand '", "ERR wrong number of arguments", "ERR Command not allowed inside a transaction",
}

// BeforeItRan reports whether a reply, which begins with its type, refuses a command before it runs.
func BeforeItRan(reply string) bool {
	text, isError := strings.CutPrefix(reply, "-")
	for _, e := range beforeRunning {
		if isError && strings.HasPrefix(text, e) {
			return true
		}
	}
	return false
}
