package commands

import (
	"bytes"
	"strings"
)

// class is the class of a reply: its type, and for an error its code and its wording up to the first quote or
// number. Classes of one stream are small numbers; names turns them back.
type class uint16

// classes gives numbers to classes as they are met.
type classes struct {
	byText map[string]class
	text   []string
	types  [256]class // of replies that are no errors, by first byte; 0: not met
}

func newClasses() *classes { return &classes{byText: map[string]class{"": 0}, text: []string{""}} }

func (k *classes) named(text []byte) class {
	if c, ok := k.byText[string(text)]; ok {
		return c
	}
	c := class(len(k.text))
	k.text = append(k.text, string(text))
	k.byText[string(text)] = c
	return c
}

// of is the class of a framed reply.
func (k *classes) of(frame []byte) class {
	if frame[0] != '-' {
		b := frame[0]
		// A missing or empty value is a class of its own.
		if (b == '$' || b == '*') && (frame[1] == '-' || frame[1] == '0') {
			return k.named(frame[:2])
		}
		if k.types[b] == 0 {
			k.types[b] = k.named(frame[:1])
		}
		return k.types[b]
	}
	return k.named(wording(frame))
}

// maxWording bounds how much of an error's text tells classes apart.
const maxWording = 48

// wording is an error reply up to what varies in it.
func wording(frame []byte) []byte {
	text := frame[:min(len(frame)-2, maxWording)]
	if i := bytes.IndexAny(text, "'\"0123456789:\\"); i > 0 {
		text = text[:i]
	}
	return bytes.TrimRight(text, " ,")
}

// routes are the beginnings of errors that say where a command has to go; each is a token of its own. The first that fits counts.
var routes = [][2]string{
	{"-MOVED", "route:moved"},
	{"-ASK", "route:ask"},
	{"-TRYAGAIN", "route:tryagain"},
	{"-CROSSSLOT", "route:crossslot"},
	{"-CLUSTERDOWN Hash slot not served", "route:unbound"},
	{"-CLUSTERDOWN The cluster is down and only", "route:down-read-only"},
	{"-CLUSTERDOWN The cluster is down", "route:down"},
}

// routeOf is the token of an error's class, empty if it says no route.
func routeOf(text string) string {
	for _, r := range routes {
		if strings.HasPrefix(text, r[0]) {
			return r[1]
		}
	}
	return ""
}
