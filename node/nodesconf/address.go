package nodesconf

import (
	"math"
	"strings"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// parseAddress reads ip:port@cport,hostname,key=value... All behind the port may be missing, as in
// files of older versions.
func (p *parser) parseAddress(n *Node, w word) error {
	parts := strings.Split(w.text, ",")
	col := w.col + len(parts[0])
	tcp, tls := -1, -1
	for i, part := range parts[1:] {
		col++
		if i == 0 {
			if at := badNameByte(part); at >= 0 {
				return p.errorf(col+at, "unexpected character %q in a host name", part[at])
			}
			n.Hostname = part
		} else if err := p.parseAux(n, word{part, col}, &tcp, &tls); err != nil {
			return err
		}
		col += len(part)
	}
	return p.parseEndpoint(n, word{parts[0], w.col}, tcp, tls)
}

// parseEndpoint reads ip:port@cport. The port is the plain one unless an auxiliary field gave that.
func (p *parser) parseEndpoint(n *Node, w word, tcp, tls int) error {
	at := strings.LastIndexByte(w.text, ':')
	if at < 0 {
		return p.errorf(w.col, "%q has no port", w.text)
	}
	n.IP = w.text[:at]
	if len(n.IP) >= bus.IPLen {
		return p.errorf(w.col, "an address has less than %d characters, %q has %d", bus.IPLen, n.IP, len(n.IP))
	}
	client, cport, hasBus := strings.Cut(w.text[at+1:], "@")
	col := w.col + at + 1
	port, err := p.number(word{client, col}, math.MaxUint16)
	if err != nil {
		return err
	}
	n.Port, n.TLSPort = max(tcp, 0), max(tls, 0)
	switch {
	case tcp < 0:
		n.Port = int(port)
	case tls < 0:
		n.TLSPort = int(port)
	}
	if !hasBus {
		n.CPort = n.Port + bus.PortIncrement
		return nil
	}
	c, err := p.number(word{cport, col + len(client) + 1}, math.MaxUint16)
	if err != nil {
		return err
	}
	n.CPort = int(c)
	return nil
}

// parseAux reads one auxiliary field. Unknown ones are refused, as Redis does.
func (p *parser) parseAux(n *Node, w word, tcp, tls *int) error {
	key, value, ok := strings.Cut(w.text, "=")
	if !ok {
		return p.errorf(w.col, "%q is not key=value", w.text)
	}
	if at := badNameByte(value); at >= 0 {
		return p.errorf(w.col+len(key)+1+at, "unexpected character %q", value[at])
	}
	v := word{value, w.col + len(key) + 1}
	switch key {
	case "nodename":
		n.Nodename = value
		return nil
	case "shard-id":
		id, err := p.id(v)
		n.ShardID = id
		return err
	case "tcp-port", "tls-port":
		port, err := p.number(v, math.MaxUint16)
		if err != nil {
			return err
		}
		if key == "tcp-port" {
			*tcp = int(port)
		} else {
			*tls = int(port)
		}
		return nil
	}
	return p.errorf(w.col, "%q is no auxiliary field", key)
}

// badNameByte is where a text has a byte that may not stand in a name, -1: nowhere.
// Mirrors cluster.c:isValidAuxChar.
func badNameByte(s string) int {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == 0x7f || strings.IndexByte("!#$%&()*+:;<>?@[]^{|}~,= \"'\\", c) >= 0 {
			return i
		}
	}
	return -1
}
