package repotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// module is the path that import paths of ours begin with.
const module = "github.com/slotdiff/slotdiff"

// root is the root of the repository, relative to this package.
const root = "../.."

// pkg is a package as go list describes it. Paths of ours are relative to the
// module: "wire/bus".
type pkg struct {
	ImportPath, Dir, Name string
	GoFiles               []string
	TestGoFiles           []string
	XTestGoFiles          []string
	Imports               []string
	TestImports           []string
	XTestImports          []string
	Deps                  []string
	Error                 *struct{ Err string }
}

// path is the import path relative to the module.
func (p *pkg) path() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

var packages = sync.OnceValues(func() ([]*pkg, error) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Name,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,Deps,Error", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New("go list: " + err.Error() + "\n" + stderr.String())
	}
	var list []*pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		}
		list = append(list, &p)
	}
})

// allPackages lists every package of the module.
func allPackages(t *testing.T) []*pkg {
	t.Helper()
	list, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 5 {
		t.Fatalf("only %d packages found: is %s the root?", len(list), root)
	}
	for _, p := range list {
		if p.Error != nil {
			t.Errorf("%s: %s", p.path(), p.Error.Err)
		}
	}
	return list
}

// files lists the files that a commit of everything would hold, relative to the
// root, with slashes.
var files = sync.OnceValues(func() ([]string, error) {
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return walk() // an unpacked archive has no git
	}
	var list []string
	for f := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(root, f)); err == nil { // deleted but not yet committed
			list = append(list, f)
		}
	}
	return list, nil
})

func walk() ([]string, error) {
	var list []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (rel == ".git" || rel == "artifacts/runs") {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			list = append(list, rel)
		}
		return nil
	})
	return list, err
}

func allFiles(t *testing.T) []string {
	t.Helper()
	list, err := files()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(list, "go.mod") {
		t.Fatalf("go.mod is not among the %d files found", len(list))
	}
	return list
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// exists reports whether a file or folder of the repository is there.
func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil
}

// goFile is a parsed Go file.
type goFile struct {
	path string // relative to the root
	src  string
	ast  *ast.File
	fset *token.FileSet
}

func (f *goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// generated reports whether the file carries the header of generated Go.
func (f *goFile) generated() bool { return ast.IsGenerated(f.ast) }

// in reports whether the file lies below one of the folders.
func (f *goFile) in(folders ...string) bool {
	return below(filepath.ToSlash(filepath.Dir(f.path)), folders...)
}

// line is the line of a node, for messages: "slot/set.go:12".
func (f *goFile) at(n ast.Node) string {
	p := f.fset.Position(n.Pos())
	return p.String()
}

var parsed = sync.OnceValues(func() ([]*goFile, error) {
	list, err := files()
	if err != nil {
		return nil, err
	}
	var out []*goFile
	var errs []error
	for _, name := range list {
		if !strings.HasSuffix(name, ".go") || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, name, src, parser.ParseComments)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, &goFile{name, string(src), tree, fset})
	}
	return out, errors.Join(errs...)
})

// goFiles lists every Go file outside of testdata.
func goFiles(t *testing.T) []*goFile {
	t.Helper()
	list, err := parsed()
	if err != nil {
		t.Error(err)
	}
	return list
}

// below reports whether a slash-separated path is one of the folders or below one.
func below(p string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return p == f || strings.HasPrefix(p, f+"/") })
}

// imports maps the local name of every import of a file to its path.
func imports(f *ast.File) map[string]string {
	out := map[string]string{}
	for _, s := range f.Imports {
		path := strings.Trim(s.Path.Value, `"`)
		name := regexp.MustCompile(`^v[0-9]+$`).ReplaceAllString(filepath.Base(path), filepath.Base(filepath.Dir(path)))
		if s.Name != nil {
			name = s.Name.Name
		}
		out[name] = path
	}
	return out
}

// eachSelector calls fn for every X.Sel where X is an imported package.
func eachSelector(f *goFile, fn func(n ast.Node, path, name string)) {
	known := imports(f.ast)
	ast.Inspect(f.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && known[id.Name] != "" && id.Obj == nil {
			fn(sel, known[id.Name], sel.Sel.Name)
		}
		return true
	})
}
