package script

import "fmt"

// checkSyntax returns the first error that Lua 5.1 finds in a text, in its words,
// or the text as it reads it. The library's own parser, which makes the code, is more liberal and says
// less. Mirrors lparser.c.
func checkSyntax(text, chunk string) (plain string, err error) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(errSyntax)
			if !ok {
				panic(p)
			}
			err = e
		}
	}()
	g := &grammar{lexer: lexer{src: text, chunk: chunk, line: 1, lastLine: 1}}
	g.fn = &function{vararg: true}
	g.next()
	g.chunk(nil)
	g.check(tkEOS)
	if g.plain != nil {
		text = string(g.plain)
	}
	return text, nil
}

// Limits of luaconf.h; the levels are those that are left when a script compiles.
const (
	maxLevels = 198 // of LUAI_MAXCCALLS
	maxLocals = 200 // LUAI_MAXVARS
)

// grammar is a recogniser: it keeps no tree.
type grammar struct {
	lexer
	fn     *function
	levels int
}

// function is the one that is being read.
type function struct {
	outer  *function
	line   int // 0: the main chunk
	vararg bool
	locals int
	loops  int
}

func (g *grammar) enter() {
	if g.levels++; g.levels > maxLevels {
		g.fail("", "chunk has too many syntax levels")
	}
}

func (g *grammar) leave() { g.levels-- }

func (g *grammar) accept(t token) bool {
	if g.tok == t {
		g.next()
		return true
	}
	return false
}

func (g *grammar) check(t token) {
	if g.tok != t {
		g.syntax("'%s' expected", shown(t))
	}
}

func (g *grammar) expect(t token) {
	g.check(t)
	g.next()
}

func (g *grammar) name() { g.expect(tkName) }

// closes expects the end of what began with who at a line.
func (g *grammar) closes(what, who token, line int) {
	if g.accept(what) {
		return
	}
	if line == g.line {
		g.check(what)
	}
	g.syntax("'%s' expected (to close '%s' at line %d)", what, who, line)
}

// local declares n variables.
func (g *grammar) local(n int) {
	if g.fn.locals += n; g.fn.locals > maxLocals {
		where := "main function"
		if g.fn.line > 0 {
			where = fmt.Sprintf("function at line %d", g.fn.line)
		}
		g.fail("", "%s has more than %d local variables", where, maxLocals)
	}
}

func (g *grammar) blockFollows() bool {
	switch g.tok {
	case "else", "elseif", "end", "until", tkEOS:
		return true
	}
	return false
}

// chunk reads statements; before runs at its end, while its variables are there.
func (g *grammar) chunk(before func()) {
	locals := g.fn.locals
	g.enter()
	for last := false; !last && !g.blockFollows(); {
		last = g.statement()
		g.accept(";")
	}
	g.leave()
	if before != nil {
		before()
	}
	g.fn.locals = locals
}

// statement reports whether it must be the last one.
func (g *grammar) statement() bool {
	line := g.line
	switch g.tok {
	case "if":
		g.ifStatement(line)
	case "while":
		g.next()
		g.expr()
		g.expect("do")
		g.loop(nil)
		g.closes("end", "while", line)
	case "do":
		g.next()
		g.chunk(nil)
		g.closes("end", "do", line)
	case "for":
		g.forStatement(line)
	case "repeat":
		g.next()
		g.loop(func() {
			g.closes("until", "repeat", line)
			g.expr()
		})
	case "function":
		g.next()
		g.name()
		for g.accept(".") {
			g.name()
		}
		if g.accept(":") {
			g.name()
			g.body(line, true)
		} else {
			g.body(line, false)
		}
	case "local":
		g.localStatement()
	case "return":
		g.next()
		if !g.blockFollows() && g.tok != ";" {
			g.exprList()
		}
		return true
	case "break":
		g.next()
		if g.fn.loops == 0 {
			g.syntax("no loop to break")
		}
		return true
	default:
		g.exprStatement()
	}
	return false
}

func (g *grammar) loop(before func()) {
	g.fn.loops++
	g.chunk(before)
	g.fn.loops--
}

func (g *grammar) ifStatement(line int) {
	g.next()
	for {
		g.expr()
		g.expect("then")
		g.chunk(nil)
		if !g.accept("elseif") {
			break
		}
	}
	if g.accept("else") {
		g.chunk(nil)
	}
	g.closes("end", "if", line)
}

func (g *grammar) forStatement(line int) {
	g.next()
	g.name()
	locals, names := g.fn.locals, 1
	switch g.tok {
	case "=":
		g.next()
		g.expr()
		g.expect(",")
		g.expr()
		if g.accept(",") {
			g.expr()
		}
	case ",", "in":
		for g.accept(",") {
			g.name()
			names++
		}
		g.expect("in")
		g.exprList()
	default:
		g.syntax("'=' or 'in' expected")
	}
	g.local(3 + names) // three are hidden
	g.expect("do")
	g.loop(nil)
	g.closes("end", "for", line)
	g.fn.locals = locals
}

func (g *grammar) localStatement() {
	line := g.line
	g.next()
	if g.accept("function") {
		g.name()
		g.local(1)
		g.body(line, false)
		return
	}
	n := 1
	g.name()
	for g.accept(",") {
		g.name()
		n++
	}
	if g.accept("=") {
		g.exprList()
	}
	g.local(n)
}

// kind is what an expression can be used for.
type kind int

const (
	isValue    kind = iota
	isVariable      // can be assigned
	isCall          // can be a statement
)

func (g *grammar) exprStatement() {
	k := g.primary()
	if k == isCall {
		return
	}
	for n := 0; ; n++ {
		if k != isVariable {
			g.syntax("syntax error")
		}
		if !g.accept(",") {
			break
		}
		k = g.primary()
		if g.levels+n > maxLevels {
			where := "main function"
			if g.fn.line > 0 {
				where = fmt.Sprintf("function at line %d", g.fn.line)
			}
			g.fail("", "%s has more than %d variables in assignment", where, maxLevels-g.levels)
		}
	}
	g.expect("=")
	g.exprList()
}

func (g *grammar) exprList() {
	g.expr()
	for g.accept(",") {
		g.expr()
	}
}

// primary mirrors lparser.c:primaryexp.
func (g *grammar) primary() kind {
	k := isVariable
	switch line := g.line; g.tok {
	case tkName:
		g.next()
	case "(":
		g.next()
		g.expr()
		g.closes(")", "(", line)
		k = isValue
	default:
		g.syntax("unexpected symbol")
	}
	for {
		switch g.tok {
		case ".":
			g.next()
			g.name()
			k = isVariable
		case "[":
			g.next()
			g.expr()
			g.expect("]")
			k = isVariable
		case ":":
			g.next()
			g.name()
			g.arguments()
			k = isCall
		case "(", tkString, "{":
			g.arguments()
			k = isCall
		default:
			return k
		}
	}
}

func (g *grammar) arguments() {
	switch line := g.line; g.tok {
	case "(":
		if line != g.lastLine {
			g.syntax("ambiguous syntax (function call x new statement)")
		}
		g.next()
		if g.tok != ")" {
			g.exprList()
		}
		g.closes(")", "(", line)
	case "{":
		g.constructor()
	case tkString:
		g.next()
	default:
		g.syntax("function arguments expected")
	}
}

func (g *grammar) constructor() {
	line := g.line
	g.expect("{")
	for g.tok != "}" {
		switch {
		case g.tok == "[":
			g.next()
			g.expr()
			g.expect("]")
			g.expect("=")
		case g.tok == tkName && g.lookahead() == "=":
			g.next()
			g.next()
		}
		g.expr()
		if !g.accept(",") && !g.accept(";") {
			break
		}
	}
	g.closes("}", "{", line)
}

// body reads the parameters and statements of a function.
func (g *grammar) body(line int, self bool) {
	g.fn = &function{outer: g.fn, line: line}
	g.expect("(")
	n := 0
	if self {
		n = 1
	}
	if g.tok != ")" {
		for {
			if g.tok == tkName {
				g.next()
				n++
			} else if g.accept("...") {
				g.fn.vararg = true
			} else {
				g.syntax("<name> or '...' expected")
			}
			if g.fn.vararg || !g.accept(",") {
				break
			}
		}
	}
	g.local(n)
	g.expect(")")
	g.chunk(nil)
	g.closes("end", "function", line)
	g.fn = g.fn.outer
}

func (g *grammar) expr() { g.subExpr(0) }

// priorities of the binary operators, left and right.
var priorities = map[token][2]int{
	"+": {6, 6}, "-": {6, 6}, "*": {7, 7}, "/": {7, 7}, "%": {7, 7}, "^": {10, 9}, "..": {5, 4},
	"~=": {3, 3}, "==": {3, 3}, "<": {3, 3}, "<=": {3, 3}, ">": {3, 3}, ">=": {3, 3}, "and": {2, 2}, "or": {1, 1},
}

const unaryPriority = 8

func (g *grammar) subExpr(limit int) {
	g.enter()
	switch g.tok {
	case "not", "-", "#":
		g.next()
		g.subExpr(unaryPriority)
	default:
		g.simple()
	}
	for {
		p, ok := priorities[g.tok]
		if !ok || p[0] <= limit {
			break
		}
		g.next()
		g.subExpr(p[1])
	}
	g.leave()
}

func (g *grammar) simple() {
	switch line := g.line; g.tok {
	case tkNumber, tkString, "nil", "true", "false":
		g.next()
	case "...":
		if !g.fn.vararg {
			g.syntax("cannot use '...' outside a vararg function")
		}
		g.next()
	case "{":
		g.constructor()
	case "function":
		g.next()
		g.body(line, false)
	default:
		g.primary()
	}
}
