package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Load parses every .case file below the root of fsys, sorted by path. Mistakes
// of all files are joined; the cases that parsed are returned with them.
func Load(fsys fs.FS) ([]*Case, error) {
	var cases []*Case
	var errs []error
	walk := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || path.Ext(name) != Ext {
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		c, err := Parse(name, src)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		cases = append(cases, c)
		return nil
	})
	if walk != nil {
		errs = append(errs, fmt.Errorf("cases: %w", walk))
	}
	slices.SortFunc(cases, func(a, b *Case) int { return strings.Compare(a.Path, b.Path) })
	return cases, errors.Join(errs...)
}

// LoadFile parses one file of the operating system. The path of the case is the
// file's as given, with slashes.
func LoadFile(file string) (*Case, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	return Parse(filepath.ToSlash(file), src)
}
