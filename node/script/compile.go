package script

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// chunkName is what errors call a script.
const chunkName = "user_script"

// concatName is the local that every chunk has for "..", by a name that no source
// can have. The virtual machine's own instruction cannot be bounded, and shows
// numbers in another way than C.
const concatName = "(concat)"

// maxSyntax is how deep expressions and blocks may lie in one another.
const maxSyntax = 5000

type errSyntax string

func (e errSyntax) Error() string { return string(e) }

// compile parses a text into a function whose one argument is the concatenation
// and which returns the chunk.
func compile(text, name string) (p *lua.FunctionProto, err error) {
	if len(text) > maxText {
		return nil, errSyntax(name + ":1: script is too large")
	}
	text, err = checkSyntax(text, name)
	if err != nil {
		return nil, err
	}
	stmts, err := parse.Parse(strings.NewReader(text), name)
	if err != nil {
		return nil, errSyntax(syntaxError(err, name))
	}
	r := rewriter{}
	stmts = r.block(stmts, 0)
	if r.deep > 0 {
		return nil, errSyntax(fmt.Sprintf("%s:%d: chunk has too many syntax levels", name, r.deep))
	}
	chunk := &ast.FunctionExpr{ParList: &ast.ParList{HasVargs: true}, Stmts: stmts}
	outer := []ast.Stmt{
		&ast.LocalAssignStmt{Names: []string{concatName}, Exprs: []ast.Expr{&ast.Comma3Expr{}}},
		&ast.ReturnStmt{Exprs: []ast.Expr{chunk}},
	}
	p, err = lua.Compile(outer, name)
	if err != nil {
		if ce, ok := errors.AsType[*lua.CompileError](err); ok {
			return nil, errSyntax(fmt.Sprintf("%s:%d: %s", name, ce.Line, ce.Message))
		}
		return nil, errSyntax(name + ":1: " + err.Error())
	}
	return p, nil
}

// syntaxError words what the parser says as Lua does, as far as it says it.
func syntaxError(err error, name string) string {
	var pe *parse.Error
	if !errors.As(err, &pe) {
		return name + ":1: " + err.Error()
	}
	near := "'" + pe.Token + "'"
	if pe.Token == "" || pe.Pos.Line == parse.EOF {
		near = "'<eof>'"
	}
	return fmt.Sprintf("%s:%d: %s near %s", name, max(pe.Pos.Line, 1), pe.Message, near)
}

// rewriter turns every ".." into a call.
type rewriter struct {
	deep int // the line of something that lies too deep, 0: nothing does
}

func (r *rewriter) tooDeep(at ast.PositionHolder, depth int) bool {
	if depth > maxSyntax && r.deep == 0 {
		r.deep = max(at.Line(), 1)
	}
	return r.deep > 0
}

func (r *rewriter) block(stmts []ast.Stmt, depth int) []ast.Stmt {
	for _, s := range stmts {
		if r.tooDeep(s, depth) {
			break
		}
		r.stmt(s, depth+1)
	}
	return stmts
}

func (r *rewriter) stmt(s ast.Stmt, depth int) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		r.exprs(s.Lhs, depth)
		r.exprs(s.Rhs, depth)
	case *ast.LocalAssignStmt:
		r.exprs(s.Exprs, depth)
	case *ast.FuncCallStmt:
		s.Expr = r.expr(s.Expr, depth)
	case *ast.DoBlockStmt:
		r.block(s.Stmts, depth)
	case *ast.WhileStmt:
		s.Condition = r.expr(s.Condition, depth)
		r.block(s.Stmts, depth)
	case *ast.RepeatStmt:
		s.Condition = r.expr(s.Condition, depth)
		r.block(s.Stmts, depth)
	case *ast.IfStmt:
		s.Condition = r.expr(s.Condition, depth)
		r.block(s.Then, depth)
		r.block(s.Else, depth)
	case *ast.NumberForStmt:
		s.Init, s.Limit = r.expr(s.Init, depth), r.expr(s.Limit, depth)
		if s.Step != nil {
			s.Step = r.expr(s.Step, depth)
		}
		r.block(s.Stmts, depth)
	case *ast.GenericForStmt:
		r.exprs(s.Exprs, depth)
		r.block(s.Stmts, depth)
	case *ast.FuncDefStmt:
		if s.Name.Func != nil {
			s.Name.Func = r.expr(s.Name.Func, depth)
		}
		if s.Name.Receiver != nil {
			s.Name.Receiver = r.expr(s.Name.Receiver, depth)
		}
		r.block(s.Func.Stmts, depth)
	case *ast.ReturnStmt:
		r.exprs(s.Exprs, depth)
	case *ast.BreakStmt, *ast.LabelStmt, *ast.GotoStmt:
	default:
		panic(fmt.Sprintf("node/script: unknown statement %T", s))
	}
}

func (r *rewriter) exprs(es []ast.Expr, depth int) {
	for i := range es {
		es[i] = r.expr(es[i], depth)
	}
}

func (r *rewriter) expr(e ast.Expr, depth int) ast.Expr {
	if r.tooDeep(e, depth) {
		return e
	}
	depth++
	switch e := e.(type) {
	case *ast.AttrGetExpr:
		e.Object, e.Key = r.expr(e.Object, depth), r.expr(e.Key, depth)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil {
				f.Key = r.expr(f.Key, depth)
			}
			f.Value = r.expr(f.Value, depth)
		}
	case *ast.FuncCallExpr:
		if e.Func != nil {
			e.Func = r.expr(e.Func, depth)
		}
		if e.Receiver != nil {
			e.Receiver = r.expr(e.Receiver, depth)
		}
		r.exprs(e.Args, depth)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs, depth), r.expr(e.Rhs, depth)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs, depth), r.expr(e.Rhs, depth)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs, depth), r.expr(e.Rhs, depth)
	case *ast.UnaryMinusOpExpr:
		e.Expr = r.expr(e.Expr, depth)
	case *ast.UnaryNotOpExpr:
		e.Expr = r.expr(e.Expr, depth)
	case *ast.UnaryLenOpExpr:
		e.Expr = r.expr(e.Expr, depth)
	case *ast.FunctionExpr:
		r.block(e.Stmts, depth)
	case *ast.StringConcatOpExpr:
		return r.concat(e, depth)
	case *ast.TrueExpr, *ast.FalseExpr, *ast.NilExpr, *ast.NumberExpr, *ast.StringExpr, *ast.Comma3Expr, *ast.IdentExpr:
	default:
		panic(fmt.Sprintf("node/script: unknown expression %T", e))
	}
	return e
}

// maxOperands is how many operands one call takes; more are nested.
const maxOperands = 32

// concat flattens a chain of "..", which associates to the right.
func (r *rewriter) concat(e *ast.StringConcatOpExpr, depth int) ast.Expr {
	var args []ast.Expr
	var rest ast.Expr = e
	for len(args) < maxOperands-1 {
		c, ok := rest.(*ast.StringConcatOpExpr)
		if !ok {
			break
		}
		args = append(args, r.expr(c.Lhs, depth))
		rest = c.Rhs
	}
	last := r.expr(rest, depth)
	switch l := last.(type) { // only the first value of a call counts
	case *ast.FuncCallExpr:
		l.AdjustRet = true
	case *ast.Comma3Expr:
		l.AdjustRet = true
	}
	f := &ast.IdentExpr{Value: concatName}
	call := &ast.FuncCallExpr{Func: f, Args: append(args, last), AdjustRet: true}
	for _, n := range []ast.PositionHolder{f, call} {
		n.SetLine(e.Line())
		n.SetLastLine(e.LastLine())
	}
	return call
}
