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
	name          string // as it is written, without "-"
	network, host string
	optional      bool // written with "-": its absence is no error
}

// bindAddresses reads the bind directive; "*" is every IPv4 address and "::*"
// every IPv6 address. Without a word there is none.
func bindAddresses(bind string) []address {
	var out []address
	for w := range strings.FieldsSeq(bind) {
		a := address{network: "tcp4", host: w}
		a.host, a.optional = strings.CutPrefix(w, "-")
		a.name = a.host
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
