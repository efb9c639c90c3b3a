package repotest

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pure are the packages whose every run must be a function of their input.
var pure = []string{"node/cluster", "node/asm", "node/nodesconf"}

// timeOfTheWall are the identifiers of package time that look at a clock or wait.
var timeOfTheWall = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
	"Tick": true, "NewTicker": true, "NewTimer": true,
}

// Outside of the core, under node/, only node/server looks at the clock and
// starts goroutines.
func TestClockAndGoroutinesOfTheNode(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() || !f.in("node") || f.in("node/server") {
			continue
		}
		eachSelector(f, func(n ast.Node, path, name string) {
			if path == "time" && timeOfTheWall[name] {
				t.Errorf("%s: time.%s: the clock belongs to node/server; elsewhere time is an argument", f.at(n), name)
			}
		})
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: a goroutine outside of node/server: one owner executes, one command at a time", f.at(g))
			}
			return true
		})
	}
}

// The core takes chance from its configuration: a source of its own would make
// two runs of the same events differ.
func TestCoreHasNoChanceOfItsOwn(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() || !f.in(pure...) {
			continue
		}
		eachSelector(f, func(n ast.Node, path, name string) {
			if path != "math/rand/v2" {
				return
			}
			switch name {
			case "Rand", "Source", "New": // the type, and a generator over a given source
			default:
				t.Errorf("%s: rand.%s: Config.Rand is the core's only source of chance", f.at(n), name)
			}
		})
	}
}

// orderFree is the comment that excuses a range over a map: on the line of the
// range or the line above it, with the reason.
const orderFree = "order-free:"

// The order of a map is chance. In the core a range over one must not reach an
// effect; one that does not says why.
func TestCoreRangesOverNoMap(t *testing.T) {
	var patterns []string
	for _, p := range pure {
		if exists(p) {
			patterns = append(patterns, "./"+p+"/...")
		}
	}
	if len(patterns) == 0 {
		return
	}
	exports := exportData(t, patterns)
	files := 0
	for _, p := range allPackages(t) {
		if !below(p.path(), pure...) {
			continue
		}
		fset := token.NewFileSet()
		var syntax []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			syntax = append(syntax, f)
		}
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
			return os.Open(exports[path])
		})}
		if _, err := conf.Check(p.ImportPath, fset, syntax, info); err != nil {
			t.Errorf("%s: %v", p.path(), err)
		}
		for _, f := range syntax {
			files++
			for _, at := range mapRanges(fset, info, f) {
				t.Errorf("%s: range over a map: its order is chance and would reach an effect; keep a sorted list, or say why not with \"// %s reason\"", at, orderFree)
			}
		}
	}
	if files == 0 {
		t.Errorf("no file was checked in %v", patterns)
	}
}

// exportData maps every package that the patterns need to its compiled types.
func exportData(t *testing.T, patterns []string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}"}, patterns...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -export: %v", err)
	}
	exports := map[string]string{}
	for l := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(l), "=")
		exports[path] = file
	}
	return exports
}

// mapRanges finds the places of f that go through a map without an excuse.
func mapRanges(fset *token.FileSet, info *types.Info, f *ast.File) (at []token.Position) {
	excused := map[int]bool{} // lines that the comment covers
	for _, group := range f.Comments {
		for _, c := range group.List {
			_, reason, ok := strings.Cut(c.Text, orderFree)
			if ok && strings.TrimSpace(reason) != "" {
				excused[fset.Position(c.Pos()).Line] = true
				excused[fset.Position(group.End()).Line+1] = true
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		var over ast.Expr
		switch n := n.(type) {
		case *ast.RangeStmt:
			over = n.X
		case *ast.CallExpr: // maps.Keys and its like: the same chance as an iterator
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || len(n.Args) != 1 {
				break
			}
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == "maps" && sel.Sel.Name != "Clone" {
				over = n.Args[0]
			}
		}
		if over == nil || info.TypeOf(over) == nil {
			return true
		}
		if _, isMap := info.TypeOf(over).Underlying().(*types.Map); !isMap {
			return true
		}
		if pos := fset.Position(n.Pos()); !excused[pos.Line] {
			at = append(at, pos)
		}
		return true
	})
	return at
}

func TestMapRangeRuleBites(t *testing.T) {
	const src = `package x

type table map[string]int

func f(m map[int]int, n table, s []int) {
	for range m {
	}
	for k := range n {
		_ = k
	}
	for range m { // order-free: counts
	}
	// order-free: a sum,
	// whatever comes first
	for range n {
	}
	for range m { // order-free:
	}
	for range s {
	}
}
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "x.go", src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	if _, err := new(types.Config).Check("x", fset, []*ast.File{f}, info); err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, p := range mapRanges(fset, info, f) {
		lines = append(lines, p.Line)
	}
	if want := []int{6, 8, 17}; !slices.Equal(lines, want) {
		t.Errorf("found on lines %v, want %v", lines, want)
	}
}
