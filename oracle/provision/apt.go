package provision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// apt is a private apt: configuration, lists and caches below dir, nothing of the
// host's but its mirror, its keyring and its way to the network.
type apt struct {
	dir    string
	mirror mirror
}

// archiveKeyring holds the keys of every suite; without it the host's trusted keys
// are used.
const archiveKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

func haveTools() error {
	for _, tool := range []string{"apt-get", "apt-config", "dpkg"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("this machine has no %s", tool)
		}
	}
	return nil
}

func newApt(ctx context.Context, dir string) (*apt, error) {
	if err := haveTools(); err != nil {
		return nil, err
	}
	m, err := findMirror("/etc/apt")
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial", "state", "log", "empty", "debs"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	a := &apt{dir: dir, mirror: m}
	network, err := a.hostNetwork(ctx)
	if err != nil {
		return nil, err
	}
	conf := strings.NewReplacer("{dir}", dir).Replace(`Dir::Etc::parts "{dir}/empty";
Dir::Etc::main "{dir}/none";
Dir::Etc::sourcelist "{dir}/sources.list";
Dir::Etc::sourceparts "{dir}/empty";
Dir::Etc::preferences "{dir}/none";
Dir::Etc::preferencesparts "{dir}/empty";
Dir::State "{dir}/state";
Dir::State::lists "{dir}/lists";
Dir::State::status "{dir}/state/status";
Dir::Cache "{dir}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Log "{dir}/log";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::GzipIndexes "false";
Acquire::PDiffs "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::CNF::DefaultEnabled "false";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
`) + network
	if err := os.WriteFile(filepath.Join(dir, "apt.conf"), []byte(conf), 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "state/status"), nil, 0o644); err != nil {
		return nil, err
	}
	return a, nil
}

// hostNetwork is the part of the host's configuration that says how mirrors are
// reached and how old their lists may be.
func (a *apt) hostNetwork(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return "", fmt.Errorf("apt-config dump: %w", err)
	}
	var keep strings.Builder
	for line := range strings.Lines(string(out)) {
		for _, p := range []string{"Acquire::http", "Acquire::ftp", "Acquire::tor", "Acquire::Force", "Acquire::Check-", "Acquire::Proxy", "APT::Architecture"} {
			if strings.HasPrefix(line, p) {
				keep.WriteString(line)
			}
		}
	}
	return keep.String(), nil
}

func (a *apt) run(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	// apt leaves its connection helpers to themselves when it is killed; they
	// end on the closed pipe, and are not waited for.
	cmd.WaitDelay = 2 * time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("apt-get %s: %w", args[0], ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("apt-get %s: %w%s", args[0], err, lastLines(bytes.TrimSpace(onlyErrors(out))))
	}
	return nil
}

// onlyErrors keeps apt's error lines if there are any.
func onlyErrors(out []byte) []byte {
	var errs [][]byte
	for line := range bytes.SplitSeq(out, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("E:")) || bytes.HasPrefix(line, []byte("Err:")) {
			errs = append(errs, line)
		}
	}
	if len(errs) == 0 {
		return out
	}
	return bytes.Join(errs, []byte("\n"))
}

// update fetches the lists of the suites and reads them.
func (a *apt) update(ctx context.Context, suites []string) (*index, error) {
	var list strings.Builder
	for _, s := range suites {
		opt := ""
		if _, err := os.Stat(archiveKeyring); err == nil {
			opt = "[signed-by=" + archiveKeyring + "] "
		}
		fmt.Fprintf(&list, "deb %s%s %s main\n", opt, a.mirror.uri, s)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(list.String()), 0o644); err != nil {
		return nil, err
	}
	if err := a.run(ctx, a.dir, "-q", "update"); err != nil {
		return nil, err
	}
	x := newIndex()
	for _, s := range suites {
		files, err := filepath.Glob(filepath.Join(a.dir, "lists", "*_dists_"+s+"_main_binary-*_Packages"))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("the mirror lists no packages of suite %s", s)
		}
		for _, file := range files {
			f, err := os.Open(file)
			if err != nil {
				return nil, err
			}
			err = errors.Join(x.read(f, s), f.Close())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return x, nil
}

// download fetches packages; apt checks their sums against the signed lists.
func (a *apt) download(ctx context.Context, pkgs []*pkg) (debs []string, err error) {
	dir := filepath.Join(a.dir, "debs")
	args := []string{"-q", "download"}
	for _, p := range pkgs {
		args = append(args, p.Name+"="+p.Version)
	}
	if err := a.run(ctx, dir, args...); err != nil {
		return nil, err
	}
	debs, err = filepath.Glob(filepath.Join(dir, "*.deb"))
	if err == nil && len(debs) != len(pkgs) {
		err = fmt.Errorf("apt-get download: %d files for %d packages", len(debs), len(pkgs))
	}
	return debs, err
}

// unpack extracts packages into root, which is laid out as the merged-/usr system
// that their programs expect.
func (a *apt) unpack(ctx context.Context, debs []string, root string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	for _, deb := range debs {
		out, err := exec.CommandContext(ctx, "dpkg", "-x", deb, root).CombinedOutput()
		if err != nil {
			return fmt.Errorf("dpkg -x %s: %w%s", filepath.Base(deb), err, lastLines(out))
		}
	}
	if err := mergeUsr(root); err != nil {
		return err
	}
	// What a running server never reads: documentation, settings, services.
	for _, d := range []string{"etc", "var", "usr/share", "usr/lib/systemd", "usr/lib/tmpfiles.d", "usr/lib/sysusers.d"} {
		if err := os.RemoveAll(filepath.Join(root, d)); err != nil {
			return err
		}
	}
	return nil
}
