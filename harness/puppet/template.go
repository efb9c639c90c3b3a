package puppet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slotdiff/slotdiff/wire/bus"
)

// Template is what a puppet says of itself in every packet it makes.
type Template struct {
	Header bus.Header
	// Exts are the extension lines (bus text form) of every PING, PONG and MEET.
	Exts []string
	// AutoPong answers each PING and MEET with a PONG on the link it came on.
	AutoPong bool
}

// NewTemplate is a master without slots that announces its ports, no address and no extensions.
func NewTemplate(id bus.ID, busPort uint16) Template {
	var t Template
	copy(t.Header.Sig[:], bus.Signature)
	t.Header.Ver = bus.Version
	t.Header.Sender = id
	t.Header.Port = busPort - bus.PortIncrement
	t.Header.CPort = busPort
	t.Header.Flags = bus.FlagMaster | bus.FlagMyself
	return t
}

// Word is a word of the puppet's template, for generated documentation.
type Word struct{ Key, Doc string }

// words are those of [Puppet.Set] besides the header words of wire/bus.
var words = []struct {
	Word
	set func(t *Template, value string) error
}{
	{Word{"id", "the puppet's node id; the same as sender"}, func(t *Template, v string) error {
		_, err := bus.SetHeader(&t.Header, "sender", v)
		return err
	}},
	{Word{"role", "master (and replicaof=-) or replica: sets the two role flags"}, setRole},
	{Word{"hostname", "announced host name, or - for none"}, setText("hostname")},
	{Word{"nodename", "announced human node name, or - for none"}, setText("nodename")},
	{Word{"shardid", "announced shard id, or - for none"}, setText("shardid")},
	{Word{"secret", "announced internal secret, or - for none"}, setText("secret")},
	{Word{"auto", "pong: answer PING and MEET; off: answer nothing"}, setAuto},
}

// Words is every word that [Puppet.Set] knows.
func Words() []Word {
	var all []Word
	for _, w := range words {
		all = append(all, w.Word)
	}
	for _, w := range bus.HeaderWords() {
		all = append(all, Word(w))
	}
	return all
}

// Set changes the template: key=value words of [Words]. Either all are taken or, with an error that names
// the word, none.
func (p *Puppet) Set(words ...string) error {
	p.answering.Lock()
	defer p.answering.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.tmpl.Set(words...); err != nil {
		return p.errorf("", "%w", err)
	}
	return nil
}

// Set is [Puppet.Set] of a template alone.
func (t *Template) Set(words ...string) error {
	changed := *t
	changed.Exts = slices.Clone(t.Exts)
	for _, word := range words {
		if err := changed.set(word); err != nil {
			return fmt.Errorf("word %q: %w", word, err)
		}
	}
	*t = changed
	return nil
}

// Template is the present template.
func (p *Puppet) Template() Template {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tmpl
	t.Exts = slices.Clone(t.Exts)
	return t
}

// ID is the node id that the puppet announces now.
func (p *Puppet) ID() bus.ID { return p.Template().Header.Sender }

// Build makes a packet from the template: words and lines are those of [bus.Build]. The extensions
// of the template come before those of the lines.
func (p *Puppet) Build(words, lines []string) ([]byte, error) {
	t := p.Template()
	b, err := t.Build(words, lines)
	if err != nil {
		return nil, p.errorf("", "%w", err)
	}
	return b, nil
}

// Build is [Puppet.Build] of a template alone.
func (t *Template) Build(words, lines []string) ([]byte, error) {
	if len(words) > 0 && len(t.Exts) > 0 {
		if typ, err := bus.ParseType(words[0]); err == nil && typ.Gossips() {
			lines = append(slices.Clone(t.Exts), lines...)
		}
	}
	return bus.Build(t.Header, words, lines)
}

func (t *Template) set(word string) error {
	key, value, ok := strings.Cut(word, "=")
	if !ok {
		return errors.New("it is not key=value")
	}
	for _, w := range words {
		if w.Key == key {
			return w.set(t, value)
		}
	}
	known, err := bus.SetHeader(&t.Header, key, value)
	if err == nil && !known {
		err = errors.New("unknown key")
	}
	return err
}

func setRole(t *Template, v string) error {
	roles := bus.FlagMaster | bus.FlagReplica
	switch v {
	case "master":
		t.Header.Flags = t.Header.Flags&^roles | bus.FlagMaster
		t.Header.ReplicaOf = bus.ID{}
	case "replica":
		t.Header.Flags = t.Header.Flags&^roles | bus.FlagReplica
	default:
		return fmt.Errorf("%q is neither master nor replica", v)
	}
	return nil
}

func setAuto(t *Template, v string) error {
	switch v {
	case "pong":
		t.AutoPong = true
	case "off":
		t.AutoPong = false
	default:
		return fmt.Errorf("%q is neither pong nor off", v)
	}
	return nil
}

// setText makes the setter of a one-value extension. Lines are kept in the order in which Redis writes
// extensions.
func setText(ext string) func(t *Template, v string) error {
	prefix := "ext " + ext + " "
	return func(t *Template, v string) error {
		t.Exts = slices.DeleteFunc(t.Exts, func(line string) bool { return strings.HasPrefix(line, prefix) })
		if v == "-" {
			return nil
		}
		line := prefix + v
		if _, err := bus.Build(bus.Header{}, []string{"PING"}, []string{line}); err != nil {
			return err
		}
		t.Exts = append(t.Exts, line)
		slices.SortStableFunc(t.Exts, func(a, b string) int { return extRank(a) - extRank(b) })
		return nil
	}
}

func extRank(line string) int {
	return slices.IndexFunc([]string{"hostname", "nodename", "shardid", "secret"}, func(ext string) bool {
		return strings.HasPrefix(line, "ext "+ext+" ")
	})
}

// answerTimeout bounds the writing of an automatic answer to a node that does not
// read: Set waits for it.
const answerTimeout = 2 * time.Second

// autoReply answers a PING or MEET if the template says so. The answer is on its way before the event
// is queued, so what a script does after receiving it cannot change the answer.
func (l *link) autoReply(frame []byte) {
	l.puppet.answering.RLock()
	defer l.puppet.answering.RUnlock()
	t := l.puppet.Template()
	if !t.AutoPong {
		return
	}
	if typ, ok := (Event{Frame: frame}).Type(); !ok || typ != bus.TypePing && typ != bus.TypeMeet {
		return
	}
	pong, err := t.Build([]string{"PONG"}, nil)
	if err != nil {
		panic("puppet: a template that Set took builds no PONG: " + err.Error())
	}
	// A link that is closed meanwhile is told by its reader.
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	_ = l.write(ctx, pong)
}
