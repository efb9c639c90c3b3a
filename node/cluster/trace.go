package cluster

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"github.com/slotdiff/slotdiff/slot"
	"github.com/slotdiff/slotdiff/wire/bus"
)

// Step is one event and the time at which a core took it.
type Step struct {
	At    Time
	Event Event
}

// AppendTrace appends the text form of a run to b: one line an event, with the milliseconds since
// the one before it (of the first: since start), and behind a packet its indented lines.
//
//	+0 tick
//	+3 up 1 local=10.0.0.1 peer=10.0.0.2
//	+0 recv 1
//	  PING sender=67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1
//	    ver=1 port=7000 pport=0 cport=17000 ip=-
//	    ...
//	+0 recv 1 hex=474554202f204854
//	+9 down 1 connection reset
//	+0 admin 4 AddSlots {"Slots":[1,2]}
//	+1 report {"ReplOffset":7,"MasterLinkUp":true,"MasterSeen":1700000000000,"SendQueues":null}
//
// A frame whose packet text would not give its bytes back is written in hex.
func AppendTrace(b []byte, start Time, steps []Step) []byte {
	for _, s := range steps {
		b = strconv.AppendInt(append(b, '+'), s.At-start, 10)
		b = append(b, ' ')
		b = appendEvent(b, s.Event)
		start = s.At
	}
	return b
}

func appendEvent(b []byte, ev Event) []byte {
	switch ev := ev.(type) {
	case Tick:
		return append(b, "tick\n"...)
	case LinkUp:
		return fmt.Appendf(b, "up %d local=%s peer=%s\n", ev.Link, traceAddr(ev.Local), traceAddr(ev.Peer))
	case LinkDown:
		return fmt.Appendf(b, "down %d %s\n", ev.Link, strings.ReplaceAll(ev.Reason, "\n", " "))
	case Recv:
		return appendFrame(fmt.Appendf(b, "recv %d", ev.Link), ev.Frame)
	case Admin:
		b = fmt.Appendf(b, "admin %d %s ", ev.Tag, reflect.TypeOf(ev.Request).Name())
		return appendJSON(b, ev.Request)
	case Report:
		return appendJSON(append(b, "report "...), ev)
	}
	panic(fmt.Sprintf("cluster: no event: %T", ev))
}

func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("cluster: trace: " + err.Error()) // the types are ours
	}
	return append(append(b, text...), '\n')
}

func traceAddr(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

func appendFrame(b, frame []byte) []byte {
	if p, err := bus.Parse(frame); err == nil {
		if text, err := p.MarshalText(); err == nil {
			again := new(bus.Packet)
			if again.UnmarshalText(text) == nil && bytes.Equal(again.Append(nil), frame) {
				b = append(b, '\n')
				for line := range bytes.Lines(text) {
					b = append(append(b, "  "...), line...)
				}
				return b
			}
		}
	}
	b = append(b, " hex="...)
	return append(hex.AppendEncode(b, frame), '\n')
}

// ParseTrace reads what [AppendTrace] writes. The error names the line.
func ParseTrace(text string, start Time) ([]Step, error) {
	var steps []Step
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); {
		first, at := strings.TrimSuffix(lines[i], "\n"), i+1
		i++
		if first == "" {
			continue
		}
		var packet strings.Builder
		for i < len(lines) && strings.HasPrefix(lines[i], "  ") {
			packet.WriteString(lines[i][2:])
			i++
		}
		delta, rest, _ := strings.Cut(first, " ")
		ms, err := strconv.ParseInt(strings.TrimPrefix(delta, "+"), 10, 64)
		if err != nil || delta[0] != '+' || ms < 0 {
			return nil, fmt.Errorf("trace:%d: %q is no +milliseconds", at, delta)
		}
		start += ms
		ev, err := parseEvent(rest, packet.String())
		if err != nil {
			return nil, fmt.Errorf("trace:%d: %w", at, err)
		}
		steps = append(steps, Step{At: start, Event: ev})
	}
	return steps, nil
}

func parseEvent(line, packet string) (Event, error) {
	verb, rest, _ := strings.Cut(line, " ")
	arg, rest, _ := strings.Cut(rest, " ")
	if packet != "" && verb != "recv" {
		return nil, fmt.Errorf("%s takes no packet", verb)
	}
	switch verb {
	case "tick":
		return Tick{}, nil
	case "report":
		var r Report
		return eventOr(json.Unmarshal([]byte(strings.TrimPrefix(line, verb)), &r), &r)
	}
	number, err := strconv.ParseUint(arg, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", verb, err)
	}
	switch verb {
	case "up":
		ev := LinkUp{Link: LinkID(number)}
		local, peer, _ := strings.Cut(rest, " ")
		if ev.Local, err = parseTraceAddr(local, "local="); err == nil {
			ev.Peer, err = parseTraceAddr(peer, "peer=")
		}
		return eventOr(err, &ev)
	case "down":
		return LinkDown{Link: LinkID(number), Reason: rest}, nil
	case "recv":
		frame, err := parseFrame(rest, packet)
		return eventOr(err, &Recv{Link: LinkID(number), Frame: frame})
	case "admin":
		name, args, _ := strings.Cut(rest, " ")
		req, err := parseRequest(name, args)
		return eventOr(err, &Admin{Tag: number, Request: req})
	}
	return nil, fmt.Errorf("no event %q", verb)
}

func eventOr[E Event](err error, ev *E) (Event, error) {
	if err != nil {
		return nil, err
	}
	return *ev, nil
}

func parseTraceAddr(word, key string) (netip.Addr, error) {
	text, ok := strings.CutPrefix(word, key)
	if !ok {
		return netip.Addr{}, fmt.Errorf("%q is no %s", word, key)
	}
	if text == "-" {
		return netip.Addr{}, nil
	}
	return netip.ParseAddr(text)
}

func parseFrame(rest, packet string) ([]byte, error) {
	if text, ok := strings.CutPrefix(rest, "hex="); ok {
		return hex.DecodeString(text)
	}
	p := new(bus.Packet)
	if err := p.UnmarshalText([]byte(packet)); err != nil {
		return nil, err
	}
	return p.Append(nil), nil
}

// requests is one of each request, for their names.
var requests = []Request{
	Meet{},
	AddSlots{},
	DelSlots{},
	AddSlotsRange{},
	DelSlotsRange{},
	FlushSlots{},
	SetSlot{},
	BumpEpoch{},
	SetConfigEpoch{},
	SaveConfig{},
	Forget{},
	Replicate{},
	CountFailureReports{},
	Failover{},
	Reset{},
	Publish{},
	Configure{},
	KillLink{},
	Claim{},
}

func parseRequest(name, args string) (Request, error) {
	for _, r := range requests {
		if t := reflect.TypeOf(r); t.Name() == name {
			v := reflect.New(t)
			if err := json.Unmarshal([]byte(args), v.Interface()); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return v.Elem().Interface().(Request), nil
		}
	}
	return nil, fmt.Errorf("no request %q", name)
}

// claimText is [Claim] with its slots as text.
type claimText struct{ Populated string }

// MarshalJSON writes the slots as ranges.
func (c Claim) MarshalJSON() ([]byte, error) {
	return json.Marshal(claimText{c.Populated.String()})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Claim) UnmarshalJSON(text []byte) error {
	var t claimText
	if err := json.Unmarshal(text, &t); err != nil {
		return err
	}
	s, err := slot.Parse(t.Populated)
	c.Populated = s
	return err
}
