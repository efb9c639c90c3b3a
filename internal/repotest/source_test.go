package repotest

import (
	"bytes"
	"go/ast"
	"go/format"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines is how long a file may be without a reason.
const maxLines = 500

// longFiles are files of more than maxLines lines, each with the reason why it
// would read worse in pieces.
var longFiles = map[string]string{}

func TestFileLength(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range goFiles(t) {
		n := strings.Count(f.src, "\n")
		reason, listed := longFiles[f.path]
		seen[f.path] = true
		switch {
		case n > maxLines && !f.generated() && !listed:
			t.Errorf("%s has %d lines: one concern a file; a file over %d needs an entry in longFiles with its reason", f.path, n, maxLines)
		case listed && (n <= maxLines || reason == ""):
			t.Errorf("%s has %d lines: take it off longFiles", f.path, n)
		}
	}
	for name := range longFiles {
		if !seen[name] {
			t.Errorf("longFiles names %s, which is not there", name)
		}
	}
}

// Every package says in one comment what it is and what it refuses to do.
func TestPackageComments(t *testing.T) {
	docs := map[string][]*goFile{} // folder -> files with a package comment
	seen := map[string]bool{}
	for _, f := range goFiles(t) {
		if f.isTest() {
			continue
		}
		dir := path.Dir(f.path)
		seen[dir] = true
		if f.ast.Doc != nil && !f.generated() {
			docs[dir] = append(docs[dir], f)
		}
	}
	for dir := range seen {
		switch list := docs[dir]; {
		case len(list) == 0:
			t.Errorf("%s has no package comment: it says what the package is and what it refuses to do", dir)
		case len(list) > 1:
			t.Errorf("%s has a package comment in both %s and %s: godoc would join them", dir, list[0].path, list[1].path)
		default:
			name := list[0].ast.Name.Name
			want := "Package " + name + " "
			if name == "main" {
				want = "Command "
			}
			text := list[0].ast.Doc.Text()
			if name == "main" && strings.HasPrefix(text, strings.ToUpper(path.Base(dir)[:1])+path.Base(dir)[1:]+" ") {
				continue // "Slotdiff starts ..."
			}
			if !strings.HasPrefix(text, want) {
				t.Errorf("%s: the package comment begins with %q, not with %q", list[0].path, firstWords(text), want)
			}
		}
	}
}

func firstWords(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[:min(3, len(words))], " ")
}

// Exported identifiers of engines have a doc comment.
func TestExportedAreDocumented(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() || f.generated() || f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) {
					t.Errorf("%s: %s has no doc comment", f.at(d), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
						t.Errorf("%s: %s has no doc comment", f.at(s), s.Name.Name)
					}
				}
			}
		}
	}
}

// interfaceMethods are documented by the interface of the standard library that
// asks for them.
var interfaceMethods = []string{
	"String", "Error", "Unwrap", "Is", "Len", "Less", "Swap", "Push", "Pop", "Read", "Write", "Close",
	"MarshalText", "UnmarshalText", "MarshalJSON", "UnmarshalJSON", "Format", "GoString", "Uint64",
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	if slices.Contains(interfaceMethods, d.Name.Name) {
		return false
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if ix, ok := typ.(*ast.IndexExpr); ok {
		typ = ix.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

func TestGofmt(t *testing.T) {
	for _, f := range goFiles(t) {
		out, err := format.Source([]byte(f.src))
		if err != nil {
			t.Errorf("%s: %v", f.path, err)
		} else if !bytes.Equal(out, []byte(f.src)) {
			t.Errorf("%s is not gofmt'd", f.path)
		}
	}
}

// unfinished matches marks of work that was put off. The words are pieced
// together so that this file does not match itself.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b|(?i)not\s+(yet\s+)?implem` + `ented`)

// Nothing is put off: what is missing is an issue, not a comment.
func TestNothingUnfinished(t *testing.T) {
	for _, name := range allFiles(t) {
		if !isText(name) || below(name, "fixtures", "internal/repotest") || strings.Contains("/"+name, "/testdata/") || name == "go.sum" {
			continue
		}
		for i, l := range strings.Split(read(t, name), "\n") {
			if m := unfinished.FindString(l); m != "" {
				t.Errorf("%s:%d: %q: what is missing is an issue, not a comment", name, i+1, m)
			}
		}
	}
}

// isText reports whether a file is written by people, by its name.
func isText(name string) bool {
	switch path.Ext(name) {
	case ".go", ".md", ".case", ".txt", ".json", ".yml", ".yaml", ".sh", ".tmpl", ".html", ".mod", ".sum", ".lock", ".conf", ".text":
		return true
	}
	return path.Ext(name) == "" // Justfile, LICENSE, .ci/run
}

// Tests wait for a condition with a deadline; a sleep is too short on a slow
// machine and too long on a fast one. The pause between two looks at a condition,
// in a loop that ends at a deadline, is no such sleep.
func TestNoSleepInTests(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.isTest() {
			continue
		}
		polls := pollLoops(f)
		eachSelector(f, func(n ast.Node, path, name string) {
			inPoll := slices.ContainsFunc(polls, func(l *ast.ForStmt) bool { return l.Pos() < n.Pos() && n.End() <= l.End() })
			if path == "time" && name == "Sleep" && !inPoll {
				t.Errorf("%s: a test sleeps: wait for a condition with a deadline", f.at(n))
			}
		})
	}
}

// pollLoops are the loops of a file that look at the clock, or at a context, to
// know when to give up.
func pollLoops(f *goFile) []*ast.ForStmt {
	var out []*ast.ForStmt
	ast.Inspect(f.ast, func(n ast.Node) bool {
		loop, ok := n.(*ast.ForStmt)
		if !ok {
			return true
		}
		ast.Inspect(loop, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Before", "After", "Since", "Until", "Err", "Done"}, sel.Sel.Name) {
				out = append(out, loop)
			}
			return true
		})
		return true
	})
	return out
}

var generatedHeader = regexp.MustCompile(`^(// |# |<!-- )?Code generated .* DO NOT EDIT\.( -->)?$`)

// Files that are made by a program say so in Go's way, so that tools and people
// leave them alone and CI can regenerate them.
func TestGeneratedHeader(t *testing.T) {
	for _, name := range allFiles(t) {
		if !isText(name) || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		head := strings.Split(read(t, name), "\n")
		head = head[:min(len(head), 5)]
		for i, l := range head {
			claims := strings.Contains(l, "DO NOT EDIT") || strings.Contains(l, "Code generated")
			if claims && !generatedHeader.MatchString(l) {
				t.Errorf("%s:%d: the header of a generated file is \"Code generated by PROGRAM; DO NOT EDIT.\" in a comment of its own", name, i+1)
			}
		}
		if path.Dir(name) == "docs" && path.Ext(name) == ".md" && !byHand[path.Base(name)] && !slices.ContainsFunc(head, generatedHeader.MatchString) {
			t.Errorf("%s: pages in docs are generated from their registries and say so: nothing is typed twice", name)
		}
	}
}
