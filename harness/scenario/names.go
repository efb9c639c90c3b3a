package scenario

import (
	"fmt"
	"strings"
)

// checkNames makes sure that a step speaks to and of what the case has declared
// by then.
func (p *parser) checkNames(s *Step, col int) {
	actor, conn, named := strings.Cut(s.Actor, "/")
	kind, isKeyword := keywords[s.Actor]
	switch {
	case isKeyword:
		p.checkOperands(s, kind)
	case !isName(actor) || named && !isName(conn):
		p.fail(col, "an actor is a name, or name/connection", "bad actor %q", s.Actor)
	case !p.declared[actor]:
		p.fail(col, p.nameHint(actor, true), "%q is neither a keyword nor declared here", actor)
	case len(s.Words) == 0:
		p.fail(col, "", "%s has nothing to do", s.Actor)
	}
	for _, w := range s.Words {
		for _, part := range w.Parts {
			if !part.Ref.IsZero() && !p.declared[part.Ref.Name] {
				p.fail(1, p.nameHint(part.Ref.Name, false), "%s refers to %q, which is not declared here", part.Ref, part.Ref.Name)
			}
		}
	}
}

func (p *parser) checkOperands(s *Step, kind operands) {
	if kind == none {
		return
	}
	if len(s.Words) == 0 && kind != all {
		p.fail(1, "", "%s needs a name", s.Actor)
		return
	}
	for i, w := range s.Words {
		if i > 0 && kind != all {
			return
		}
		if _, _, kv := w.KeyValue(); kv && kind == all {
			continue
		}
		name, _ := w.Literal()
		base, conn, named := strings.Cut(name, "/")
		switch {
		case kind == declares:
			p.declare(name)
		case !isName(base) || named && !isName(conn):
			p.fail(1, "", "%s needs a name, not %q", s.Actor, w.String())
		case !p.declared[base]:
			p.fail(1, p.nameHint(base, false), "%s %s: %q is not declared here", s.Actor, w, base)
		}
	}
}

func (p *parser) declare(name string) {
	switch _, taken := keywords[name]; {
	case !isName(name):
		p.fail(1, "a letter, then letters, digits, _ and -", "bad name %q", name)
	case taken:
		p.fail(1, "", "%q is a keyword and cannot be a name", name)
	case p.declared[name]:
		p.fail(1, "", "%q is declared twice", name)
	default:
		p.declared[name] = true
		p.names = append(p.names, name)
	}
}

// checkRefs looks for references to undeclared names in an input line.
func (p *parser) checkRefs(line string) {
	for i := range len(line) {
		if r, n := parseRef(line[i:]); n > 0 && !p.declared[r.Name] {
			p.fail(i+1, p.nameHint(r.Name, false), "%s refers to %q, which is not declared here", r, r.Name)
		}
	}
}

// nameHint proposes a near name, else lists what is declared.
func (p *parser) nameHint(got string, orKeyword bool) string {
	names := p.names
	if orKeyword {
		names = append(Keywords(), names...)
	}
	// A name of one letter is near every other; the list helps more.
	if hint := didYouMean(got, names); hint != "" && len(got) > 1 {
		return hint
	}
	if len(p.names) == 0 {
		return "declare it with: node " + got
	}
	return fmt.Sprintf("declared: %s", strings.Join(p.names, " "))
}
