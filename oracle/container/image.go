package container

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/provision"
)

// image is an image that the engine has.
type image struct {
	name   string // what a container is made of
	source string // for the identity
	digest string // "sha256:..."
	entry  string // path of the server in an image built here
}

// builtPrefix is the name of images built here. On "localhost" an accidental pull
// fails at once and on loopback.
const builtPrefix = "localhost/slotdiff-"

// ensureImage gets the image: the one named if present, else pulled; the baseline's
// is else built from Debian's packages. An image built by an earlier run is
// preferred to a pull, which costs its whole deadline where there is no network.
func (e *engine) ensureImage(ctx context.Context, opt Options) (image, error) {
	name := opt.Image
	if name == "" {
		name = oracle.BaselineImage
	}
	img, err := e.inspect(ctx, name)
	if err == nil {
		return img, nil
	}
	if !errdefs.IsNotFound(err) {
		return image{}, fmt.Errorf("image %s: %w", name, err)
	}
	timeout := opt.PullTimeout
	if opt.Image == "" {
		if img, err := e.builtBefore(ctx); err == nil {
			return img, nil
		}
		if timeout == 0 {
			timeout = 10 * time.Second
		}
	}
	if timeout == 0 {
		timeout = 5 * time.Minute
	}
	if strings.HasPrefix(name, builtPrefix) {
		return image{}, fmt.Errorf("image %s: the engine does not have it, and it is not one to pull", name)
	}
	opt.Progress("pulling the image " + name)
	pullErr := e.pull(ctx, name, timeout)
	if pullErr == nil {
		return e.inspect(ctx, name)
	}
	if opt.Image != "" {
		return image{}, fmt.Errorf("image %s: the engine does not have it and cannot pull it: %w", name, pullErr)
	}
	opt.Progress(fmt.Sprintf("cannot pull %s (%v); building an image from Debian's packages", name, pullErr))
	srv, err := provision.Debian(ctx, provision.Baseline, opt.Progress)
	if err != nil {
		return image{}, fmt.Errorf("image %s: the engine does not have it, cannot pull it (%w), and it cannot be built: %w", name, pullErr, err)
	}
	return e.build(ctx, srv)
}

func (e *engine) inspect(ctx context.Context, name string) (image, error) {
	res, err := e.api.ImageInspect(ctx, name)
	if err != nil {
		return image{}, err
	}
	img := image{name: name, source: "image " + name, digest: res.ID}
	// The digest by which a registry knows the image says more than the id.
	if len(res.RepoDigests) > 0 {
		if _, digest, ok := strings.Cut(res.RepoDigests[0], "@"); ok {
			img.digest = digest
		}
	}
	if res.Config != nil && res.Config.Labels[labelRoot] != "" && len(res.Config.Entrypoint) == 1 {
		img.entry = res.Config.Entrypoint[0]
	}
	return img, nil
}

func (e *engine) pull(ctx context.Context, name string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// The library's own pull repeats what fails until the context ends.
	res, err := e.api.ImagePull(ctx, name, client.ImagePullOptions{})
	if err != nil {
		return err
	}
	return errors.Join(res.Wait(ctx), res.Close())
}

// builtBefore returns the image that an earlier run built of the packages that are
// in the cache.
func (e *engine) builtBefore(ctx context.Context) (image, error) {
	srv, err := provision.Cached(provision.Baseline)
	if err != nil {
		return image{}, err
	}
	return e.built(ctx, srv)
}

func (e *engine) built(ctx context.Context, srv *provision.Server) (image, error) {
	name := builtPrefix + srv.Product + ":" + srv.Version
	res, err := e.api.ImageInspect(ctx, name)
	if err != nil {
		return image{}, err
	}
	if res.Config == nil || res.Config.Labels[labelRoot] != srv.Root.Digest {
		return image{}, fmt.Errorf("image %s: built of other packages", name)
	}
	img, err := e.inspect(ctx, name)
	img.source += " of " + srv.Source
	return img, err
}

// build imports the unpacked packages as the only layer of an image.
func (e *engine) build(ctx context.Context, srv *provision.Server) (image, error) {
	if img, err := e.built(ctx, srv); err == nil {
		return img, nil
	}
	name := builtPrefix + srv.Product + ":" + srv.Version
	old := ""
	if res, err := e.api.ImageInspect(ctx, name); err == nil {
		old = res.ID
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(tarTree(w, srv.Root.Dir)) }()
	defer r.Close()
	res, err := e.api.ImageImport(ctx, client.ImageImportSource{Source: r, SourceName: "-"}, name, client.ImageImportOptions{
		Message: "slotdiff: " + srv.Source,
		Changes: []string{
			fmt.Sprintf("ENTRYPOINT [%q]", srv.Root.Program),
			fmt.Sprintf("LABEL %s=%s", labelRoot, srv.Root.Digest),
		},
	})
	if err != nil {
		return image{}, fmt.Errorf("build image %s: %w", name, err)
	}
	_, err = io.Copy(io.Discard, res)
	if err := errors.Join(err, res.Close()); err != nil {
		return image{}, fmt.Errorf("build image %s: %w", name, err)
	}
	if old != "" {
		// Nameless now. A container of another run may still use it; then the
		// engine keeps it, and that is no failure of ours.
		_, _ = e.api.ImageRemove(ctx, old, client.ImageRemoveOptions{})
	}
	return e.built(ctx, srv)
}

// tarTree writes a directory as a tar of files that belong to root.
func tarTree(w io.Writer, root string) error {
	tw := tar.NewWriter(w)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		link := ""
		if fi.Mode()&fs.ModeSymlink != 0 {
			if link, err = os.Readlink(path); err != nil {
				return err
			}
		}
		h, err := tar.FileInfoHeader(fi, link)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		h.Name, h.Uid, h.Gid, h.Uname, h.Gname = filepath.ToSlash(rel), 0, 0, "", ""
		if d.IsDir() {
			h.Name += "/"
		}
		if err := tw.WriteHeader(h); err != nil || !fi.Mode().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(tw, f)
		return err
	})
	return errors.Join(err, tw.Close())
}

// Survey is what Look finds.
type Survey struct {
	Engine string // "docker 20.10.24"
	Image  string // the image a driver would use
	Digest string // empty when it has to be pulled or built first
}

// Look says which engine answers and whether it has the image; an empty name is the
// baseline's. It changes nothing and fetches nothing.
func Look(ctx context.Context, name string) (Survey, error) {
	e, err := connect(ctx)
	if err != nil {
		return Survey{}, err
	}
	s := Survey{Engine: e.about, Image: name}
	if name == "" {
		s.Image = oracle.BaselineImage
	}
	img, err := e.inspect(ctx, s.Image)
	if err != nil && name == "" {
		img, err = e.builtBefore(ctx)
	}
	if err == nil {
		s.Image, s.Digest = img.name, img.digest
	}
	return s, e.close()
}

// Fetch makes sure that the engine has the image.
func Fetch(ctx context.Context, opt Options) (Survey, error) {
	if opt.Progress == nil {
		opt.Progress = func(string) {}
	}
	e, err := connect(ctx)
	if err != nil {
		return Survey{}, err
	}
	img, err := e.ensureImage(ctx, opt)
	return Survey{e.about, img.name, img.digest}, errors.Join(err, e.close())
}
