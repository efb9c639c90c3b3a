package oracle

import (
	"fmt"
	"net/netip"
	"strings"
)

// The version of the legacy baseline, and what it is taken from by default.
const (
	BaselineProduct = "redis"
	BaselineVersion = "8.6"
	BaselineImage   = "redis:8.6"
)

// Spec is the parsed value of --oracle or --target.
type Spec struct {
	Kind    SpecKind
	Image   string           // container: the image, empty for the default
	Path    string           // process: the executable, empty to find one
	Product string           // debian: "redis" or "valkey"
	Version string           // debian: "8.6", "9", or empty for the newest
	Addrs   []netip.AddrPort // addr: loopback addresses of the client ports
	Command []string         // cmd: program and arguments
}

// SpecKind is the word before the colon.
type SpecKind string

// The kinds of spec.
const (
	SpecAuto      SpecKind = "auto"
	SpecContainer SpecKind = "container"
	SpecProcess   SpecKind = "process"
	SpecDebian    SpecKind = "debian"
	SpecAddr      SpecKind = "addr"
	SpecRecorded  SpecKind = "recorded"
	SpecBundled   SpecKind = "bundled"
	SpecCmd       SpecKind = "cmd"
)

// SpecForm is one way of writing a Spec, for help texts and errors.
type SpecForm struct{ Form, Means string }

// SpecForms lists every way of writing a Spec.
func SpecForms() []SpecForm {
	return []SpecForm{
		{"auto", "a container, else a process, else the recording"},
		{"container[:IMAGE]", "a container of IMAGE, " + BaselineImage + " by default"},
		{"process[:PATH]", "the redis-server at PATH; without PATH the one found or provisioned here"},
		{"debian:PRODUCT[@VERSION]", "redis or valkey from Debian's packages: debian:redis@8.6, debian:valkey@9"},
		{"addr:HOST:PORT[,HOST:PORT...]", "servers that already run, on loopback; slotdiff empties them"},
		{"cmd:PROGRAM [ARG...]", "a drop-in redis-server; {conf} stands for its configuration file, which is else appended"},
		{"bundled", "slotdiff's own node"},
		{"recorded", "the answers in the case files, no server"},
	}
}

func specForms() string {
	var forms []string
	for _, f := range SpecForms() {
		forms = append(forms, f.Form)
	}
	return strings.Join(forms, " | ")
}

// ParseSpec parses a value of --oracle or --target. The error names what is wrong
// and every form that is right.
func ParseSpec(s string) (Spec, error) {
	sp, cause := parseSpec(s)
	if cause != nil {
		return Spec{}, fmt.Errorf("server %q: %w; want %s", s, cause, specForms())
	}
	return sp, nil
}

func parseSpec(s string) (Spec, error) {
	word, arg, colon := strings.Cut(s, ":")
	sp := Spec{Kind: SpecKind(word)}
	if colon && arg == "" {
		return sp, fmt.Errorf("nothing follows the colon")
	}
	switch sp.Kind {
	case SpecAuto, SpecRecorded, SpecBundled:
		if colon {
			return sp, fmt.Errorf("%s takes no argument", word)
		}
	case SpecContainer:
		sp.Image = arg
		if strings.ContainsAny(arg, " \t\n") {
			return sp, fmt.Errorf("an image name has no blanks")
		}
	case SpecProcess:
		sp.Path = arg
	case SpecDebian:
		sp.Product, sp.Version, _ = strings.Cut(arg, "@")
		if sp.Product != "redis" && sp.Product != "valkey" {
			return sp, fmt.Errorf("the product %q is neither redis nor valkey", sp.Product)
		}
		if _, ok := parseVersion(sp.Version); !ok && strings.Contains(arg, "@") {
			return sp, fmt.Errorf("the version %q is not a dotted number such as %s", sp.Version, BaselineVersion)
		}
	case SpecAddr:
		for a := range strings.SplitSeq(arg, ",") {
			ap, err := parseLoopback(a)
			if err != nil {
				return sp, err
			}
			sp.Addrs = append(sp.Addrs, ap)
		}
		if len(sp.Addrs) == 0 {
			return sp, fmt.Errorf("no address given")
		}
	case SpecCmd:
		sp.Command = strings.Fields(arg)
		if len(sp.Command) == 0 {
			return sp, fmt.Errorf("no command given")
		}
	default:
		return sp, fmt.Errorf("no such kind of server")
	}
	return sp, nil
}

// parseLoopback accepts only addresses that stay on this machine: slotdiff empties
// the servers it tests and must never reach one elsewhere.
func parseLoopback(s string) (netip.AddrPort, error) {
	host, port, ok := strings.Cut(s, ":")
	if i := strings.LastIndexByte(s, ':'); ok && i > 0 {
		host, port = s[:i], s[i+1:]
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ap, err := netip.ParseAddrPort(host + ":" + port)
	if err != nil {
		return ap, fmt.Errorf("the address %q is not HOST:PORT with a numeric host", s)
	}
	if !ap.Addr().IsLoopback() {
		return ap, fmt.Errorf("the address %q is not on loopback", s)
	}
	if ap.Port() == 0 {
		return ap, fmt.Errorf("the address %q has port 0", s)
	}
	return ap, nil
}

// String is the form ParseSpec reads.
func (s Spec) String() string {
	arg := ""
	switch s.Kind {
	case SpecContainer:
		arg = s.Image
	case SpecProcess:
		arg = s.Path
	case SpecDebian:
		arg = s.Product
		if s.Version != "" {
			arg += "@" + s.Version
		}
	case SpecAddr:
		var a []string
		for _, ap := range s.Addrs {
			a = append(a, ap.String())
		}
		arg = strings.Join(a, ",")
	case SpecCmd:
		arg = strings.Join(s.Command, " ")
	}
	if arg == "" {
		return string(s.Kind)
	}
	return string(s.Kind) + ":" + arg
}
