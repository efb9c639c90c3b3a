package repotest

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// A fuzz target that starts from nothing spends its life finding what we know
// already: each has seeds, added in code or kept in testdata/fuzz.
func TestFuzzTargetsHaveSeeds(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.isTest() {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Fuzz") || !takesF(fn) {
				continue
			}
			if !addsSeeds(fn) && !hasCorpus(f.path, fn.Name.Name) {
				t.Errorf("%s: %s has no seed: f.Add some, or commit a corpus", f.at(fn), fn.Name.Name)
			}
		}
	}
}

func takesF(fn *ast.FuncDecl) bool {
	params := fn.Type.Params.List
	if len(params) != 1 || len(params[0].Names) != 1 {
		return false
	}
	star, ok := params[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "F"
}

// addsSeeds reports whether the target calls f.Add, or hands f to a helper.
func addsSeeds(fn *ast.FuncDecl) bool {
	name := fn.Type.Params.List[0].Names[0].Name
	found := false
	isF := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == name
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Add" && isF(sel.X) {
			found = true
		}
		if id, ok := call.Fun.(*ast.Ident); ok && strings.Contains(strings.ToLower(id.Name), "seed") {
			for _, a := range call.Args {
				found = found || isF(a)
			}
		}
		return true
	})
	return found
}

func hasCorpus(file, target string) bool {
	entries, err := os.ReadDir(filepath.Join(root, path.Dir(file), "testdata", "fuzz", target))
	return err == nil && len(entries) > 0
}
