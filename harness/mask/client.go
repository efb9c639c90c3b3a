package mask

import "strings"

// clientFields are the words of CLIENT INFO and CLIENT LIST that differ between two
// runs of one server.
var clientFields = []varying{
	{"id", "<id>", "10835", "Connections are counted from the server's start, the harness's own too."},
	{"addr", "<addr>", "127.0.0.1:45806", "The client's port is the system's choice."},
	{"fd", "<fd>", "16", ofProcess},
	{"age", "<s>", "3", ofTime},
	{"idle", "<s>", "3", ofTime},
	{"qbuf", "<bytes>", "26", ofMemory},
	{"qbuf-free", "<bytes>", "20448", ofMemory},
	{"argv-mem", "<bytes>", "10", ofMemory},
	{"multi-mem", "<bytes>", "96", ofMemory},
	{"rbs", "<bytes>", "16384", ofMemory},
	{"rbp", "<bytes>", "16384", ofMemory},
	{"omem", "<bytes>", "20504", ofMemory},
	{"tot-mem", "<bytes>", "38170", ofMemory},
	{"tot-net-out", "<bytes>", "2827", "It counts the bytes of earlier replies, in which there are times and other varying values."},
}

var clientMasks = func() (masks []Mask) {
	kinds := []string{"CLIENT INFO", "CLIENT LIST"}
	for _, f := range clientFields {
		masks = append(masks, Mask{
			Name: "client-" + f.name, Field: "a client's " + f.name, Reason: f.reason, Kinds: kinds,
			Before: clientLine(f.name, f.sample),
			After:  clientLine(f.name, f.hidden),
			Leaves: f.name + "=" + f.sample + " in a line that is no client's",
			apply: eachText(func(text string) string {
				words := strings.Split(text, " ")
				if !isClientLine(words) {
					return text
				}
				for i, word := range words {
					if value, ok := strings.CutPrefix(word, f.name+"="); ok && value != "" {
						words[i] = f.name + "=" + f.hidden
					}
				}
				return strings.Join(words, " ")
			}),
		})
	}
	return masks
}()

// clientLine is a short line of CLIENT LIST with one field set.
func clientLine(name, value string) string {
	words := []string{"id=<id>", "addr=<addr>", "laddr=$a.addr", "flags=N", "cmd=client|list"}
	for i, word := range words {
		if strings.HasPrefix(word, name+"=") {
			words[i] = name + "=" + value
			return strings.Join(words, " ")
		}
	}
	return strings.Join(append(words, name+"="+value), " ")
}

// isClientLine tells a line of CLIENT LIST by the words that every one has.
func isClientLine(words []string) bool {
	has := map[string]bool{}
	for _, word := range words {
		key, _, _ := strings.Cut(word, "=")
		has[key] = true
	}
	return has["id"] && has["addr"] && has["laddr"] && has["flags"] && has["cmd"]
}
