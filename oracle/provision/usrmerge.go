package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// merged are the directories that a merged-/usr system keeps below /usr, with links
// in their old places. Packages older than the merge still ship files in them.
var merged = []string{"bin", "sbin", "lib", "lib64"}

// mergeUsr moves what packages put into the old places below usr, leaves links
// there, and makes every absolute link relative, so that the tree can be used
// wherever it stands.
func mergeUsr(root string) error {
	if err := relativeLinks(root); err != nil {
		return err
	}
	for _, d := range merged {
		old, dst := filepath.Join(root, d), filepath.Join(root, "usr", d)
		if err := os.MkdirAll(dst, 0o755); err != nil {
			return err
		}
		if err := moveTree(old, dst); err != nil {
			return err
		}
		if err := os.RemoveAll(old); err != nil {
			return err
		}
		if err := os.Symlink("usr/"+d, old); err != nil {
			return err
		}
	}
	return nil
}

// relativeLinks rewrites every link below root to name its target as seen from
// where the link will stand after the merge.
func relativeLinks(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join("/", filepath.Dir(rel), target)
		}
		to, err := filepath.Rel(filepath.Dir(afterMerge("/"+rel)), afterMerge(target))
		if err != nil {
			return err
		}
		return errors.Join(os.Remove(path), os.Symlink(to, path))
	})
}

// afterMerge is where an absolute path of the tree is found once it is merged.
func afterMerge(path string) string {
	path = filepath.Clean(path)
	for _, d := range merged {
		if path == "/"+d || strings.HasPrefix(path, "/"+d+"/") {
			return "/usr" + path
		}
	}
	return path
}

// moveTree moves everything below from into to, which may hold some of the same
// directories but none of the same files.
func moveTree(from, to string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		fi, err := os.Lstat(dst)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = os.Rename(src, dst)
		case err == nil && e.IsDir() && fi.IsDir():
			err = moveTree(src, dst)
		case err == nil:
			err = fmt.Errorf("%s stands both in %s and in %s", e.Name(), from, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
