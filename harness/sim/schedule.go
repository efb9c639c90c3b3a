package sim

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// Event is an op and when it happens: so many milliseconds after the one before it.
type Event struct {
	After int64
	Op    Op
}

// Schedule is a whole run.
type Schedule struct {
	Setup
	Events []Event
}

// Ops are all ops, in the order of the help, as pointers to zero values.
func Ops() []Op {
	return []Op{
		&Cut{}, &Split{}, &Delay{}, &Drop{}, &Duplicate{}, &Reorder{}, &Mend{}, &Heal{}, &Sever{}, &HalfOpen{},
		&Kill{}, &Crash{}, &Behead{}, &Blackout{}, &Tear{}, &Start{}, &StartAll{}, &Pause{}, &Skew{}, &Lag{},
		&Failover{}, &ForceFailover{}, &Takeover{}, &Bump{}, &Move{}, &Replicate{},
		&Forget{}, &Reset{}, &Join{}, &Wait{},
		&Converge{}, &Switch{},
	}
}

var opTypes = func() map[string]reflect.Type {
	m := make(map[string]reflect.Type)
	for _, op := range Ops() {
		t := reflect.TypeOf(op).Elem()
		m[kebab(t.Name())] = t
	}
	return m
}()

var pointNames = [...]string{Now: "now", BeforePersist: "before-persist", AfterPersist: "after-persist", AfterSends: "after-sends"}

// String is the point's name.
func (p CrashPoint) String() string { return pointNames[p] }

// kebab turns a Go name into a word of the text form.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// FormatOp is the text of an op: its verb and its fields.
func FormatOp(op Op) string {
	v := reflect.ValueOf(op).Elem()
	var b strings.Builder
	b.WriteString(kebab(v.Type().Name()))
	for i := range v.NumField() {
		fmt.Fprintf(&b, " %s=", kebab(v.Type().Field(i).Name))
		switch f := v.Field(i).Interface().(type) {
		case Hosts:
			for j, h := range f {
				if j > 0 {
					b.WriteByte(',')
				}
				b.WriteString(h.String())
			}
		case Flag:
			fmt.Fprintf(&b, "%t", f)
		case fmt.Stringer:
			b.WriteString(f.String())
		default:
			fmt.Fprintf(&b, "%d", f)
		}
	}
	return b.String()
}

// ParseOp reads what [FormatOp] writes. Fields that are not named are zero.
func ParseOp(text string) (Op, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, fmt.Errorf("no op")
	}
	t := opTypes[words[0]]
	if t == nil {
		return nil, fmt.Errorf("no op is called %q", words[0])
	}
	v := reflect.New(t)
	seen := map[string]bool{}
	for _, w := range words[1:] {
		key, value, ok := strings.Cut(w, "=")
		if !ok || seen[key] {
			return nil, fmt.Errorf("%s: %q is not a new field=value", words[0], w)
		}
		seen[key] = true
		f := v.Elem().FieldByNameFunc(func(name string) bool { return kebab(name) == key })
		if !f.IsValid() {
			return nil, fmt.Errorf("%s has no field %q", words[0], key)
		}
		if err := parseField(f, value); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", words[0], key, err)
		}
	}
	return v.Interface().(Op), nil
}

func parseField(f reflect.Value, text string) error {
	switch p := f.Addr().Interface().(type) {
	case *Host:
		return parseHost(p, text)
	case *Hosts:
		for name := range strings.SplitSeq(text, ",") {
			var h Host
			if err := parseHost(&h, name); err != nil {
				return err
			}
			*p = append(*p, h)
		}
		return nil
	case *Flag:
		v, err := strconv.ParseBool(text)
		*p = Flag(v)
		return err
	case *CrashPoint:
		for i, name := range pointNames {
			if name == text {
				*p = CrashPoint(i)
				return nil
			}
		}
		return fmt.Errorf("no point is called %q", text)
	}
	n, err := strconv.ParseInt(text, 10, 48)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is no number that fits", text)
	}
	f.SetInt(n)
	return nil
}

func parseHost(h *Host, text string) error {
	num, ok := strings.CutPrefix(text, "n")
	n, err := strconv.Atoi(num)
	if !ok || err != nil || n < 0 || num != strconv.Itoa(n) {
		return fmt.Errorf("%q is no host, such as n0", text)
	}
	*h = Host(n)
	return nil
}

// opHosts are all hosts that an op names.
func opHosts(op Op) (hosts []Host) {
	v := reflect.ValueOf(op).Elem()
	for _, field := range v.Fields() {
		switch f := field.Interface().(type) {
		case Host:
			hosts = append(hosts, f)
		case Hosts:
			hosts = append(hosts, f...)
		}
	}
	return hosts
}

// setupFields are the words of the first line, in their order.
func (s *Setup) fields() []setupField {
	return []setupField{
		{"seed", func() string { return strconv.FormatUint(s.Seed, 10) }, func(t string) (err error) { s.Seed, err = strconv.ParseUint(t, 10, 64); return }},
		{"nodes", intText(&s.Nodes), setInt(&s.Nodes)},
		{"masters", intText(&s.Masters), setInt(&s.Masters)},
		{"machines", intText(&s.Machines), setInt(&s.Machines)},
		{"timeout", func() string { return strconv.FormatInt(s.Timeout, 10) }, func(t string) (err error) { s.Timeout, err = strconv.ParseInt(t, 10, 48); return }},
		{"validity", intText(&s.Validity), setInt(&s.Validity)},
		{"barrier", intText(&s.Barrier), setInt(&s.Barrier)},
		{"meet", func() string { return strconv.FormatBool(s.Meet) }, func(t string) (err error) { s.Meet, err = strconv.ParseBool(t); return }},
	}
}

type setupField struct {
	name string
	text func() string
	set  func(text string) error
}

func intText(p *int) func() string { return func() string { return strconv.Itoa(*p) } }
func setInt(p *int) func(text string) error {
	return func(text string) (err error) { *p, err = strconv.Atoi(text); return }
}

// MarshalText writes a schedule: a line of the setup, then a line an event.
//
//	cluster seed=1 nodes=7 masters=3 timeout=1000 validity=0 barrier=1 meet=false
//	+1200 cut from=n0 to=n3
//	+0 crash host=n1 point=after-sends sends=2
//	+5000 heal
//	+0 converge within=60000
func (s *Schedule) MarshalText() ([]byte, error) {
	b := []byte("cluster")
	for _, f := range s.fields() {
		b = fmt.Appendf(b, " %s=%s", f.name, f.text())
	}
	b = append(b, '\n')
	for _, ev := range s.Events {
		b = fmt.Appendf(b, "+%d %s\n", ev.After, FormatOp(ev.Op))
	}
	return b, nil
}

// UnmarshalText reads what MarshalText writes. Blank lines and lines that begin with # do not
// count. The error names the line, and the schedule is then as it was.
func (s *Schedule) UnmarshalText(text []byte) error {
	var out Schedule
	begun := false
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		err := out.parseLine(line, !begun)
		if err != nil {
			return fmt.Errorf("schedule: line %d: %w", i+1, err)
		}
		begun = true
	}
	if !begun {
		return fmt.Errorf("schedule: empty: it begins with a line \"cluster seed=...\"")
	}
	*s = out
	return nil
}

func (s *Schedule) parseLine(line string, first bool) error {
	if first {
		return s.parseSetup(line)
	}
	after, op, _ := strings.Cut(line, " ")
	num, plus := strings.CutPrefix(after, "+")
	ms, err := strconv.ParseInt(num, 10, 48)
	if !plus || err != nil || ms < 0 {
		return fmt.Errorf("%q is no time: +milliseconds", after)
	}
	parsed, err := ParseOp(op)
	if err != nil {
		return err
	}
	if err := s.checkOp(parsed); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	s.Events = append(s.Events, Event{After: ms, Op: parsed})
	return nil
}

func (s *Schedule) parseSetup(line string) error {
	words := strings.Fields(line)
	if words[0] != "cluster" {
		return fmt.Errorf("%q: the first line is \"cluster seed=...\"", words[0])
	}
	s.Setup = DefaultSetup(0)
	fields := s.fields()
next:
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		for _, f := range fields {
			if f.name == key {
				if err := f.set(value); err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
				continue next
			}
		}
		return fmt.Errorf("cluster has no field %q", key)
	}
	return s.check()
}
