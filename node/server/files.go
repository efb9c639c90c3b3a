package server

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/node/command/config"
)

func itoa(n int) string { return strconv.Itoa(n) }

// address is one word of the bind directive.
type address struct {
	network, host string
	optional      bool // written with "-": its absence is no error
}

// bindAddresses reads the bind directive; "*" is every IPv4 address and "::*"
// every IPv6 address.
func bindAddresses(bind string) []address {
	words := strings.Fields(bind)
	if len(words) == 0 {
		words = []string{"*", "-::*"}
	}
	var out []address
	for _, w := range words {
		a := address{network: "tcp4", host: w}
		a.host, a.optional = strings.CutPrefix(w, "-")
		switch {
		case a.host == "*":
			a.host = "0.0.0.0"
		case a.host == "::*":
			a.host, a.network = "::", "tcp6"
		case strings.Contains(a.host, ":"):
			a.network = "tcp6"
		}
		out = append(out, a)
	}
	return out
}

// checkDir reports whether a directory can be entered.
func checkDir(dir string) error {
	_, err := os.ReadDir(dir)
	return err
}

// rewrite is CONFIG REWRITE: directives that the file names get their present
// value, and those that differ from their default are added at the end.
func rewrite(file string, cfg *config.Config) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := cfg.Rewrite(string(old))
	if bytes.Equal(old, []byte(text)) {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(text)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("%s", reason(err))
	}
	return nil
}
