package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/nodesconf"
)

// nodesFile is nodes.conf. It is locked as long as the node runs, so that no two
// nodes share one.
type nodesFile struct {
	path  string
	dir   int // file descriptor of its directory
	lock  int // of the file that stands at path, locked
	saves int
}

var errInUse = errors.New("already used by a different Redis Cluster node")

// openNodes locks the file, creating it, and reads it; saved is nil for an empty
// one. Mirrors cluster_legacy.c:clusterLockConfig and clusterLoadConfig.
func openNodes(path string) (f *nodesFile, saved *nodesconf.File, err error) {
	f = &nodesFile{path: path}
	if f.dir, err = syscall.Open(filepath.Dir(path), syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0); err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: filepath.Dir(path), Err: err}
	}
	if f.lock, err = syscall.Open(path, syscall.O_RDWR|syscall.O_CREAT|syscall.O_CLOEXEC, 0o644); err != nil {
		syscall.Close(f.dir)
		return nil, nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() {
		if err != nil {
			f.close()
			f = nil
		}
	}()
	if err := flock(f.lock); err != nil {
		return f, nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return f, nil, err
	}
	if saved, err = nodesconf.Parse(text); err != nil {
		return f, nil, err
	}
	return f, saved, nil
}

// refuseNodes logs why nodes.conf cannot be used, last in the words of Redis, which scripts look
// for; name is that of the directive. Mirrors cluster_legacy.c:clusterLockConfig and
// clusterLoadConfig.
func (s *server) refuseNodes(name string, err error) error {
	damage, isDamage := errors.AsType[*nodesconf.Error](err)
	pathError, isPath := errors.AsType[*os.PathError](err)
	switch {
	case isDamage:
		s.log.warning("%v", err)
		s.log.write(cluster.LevelWarning, fmt.Sprintf("Unrecoverable error: corrupted cluster config file \"%s\".", damage.Read))
	case errors.Is(err, errInUse):
		s.log.warning("Sorry, the cluster configuration file %s is already used by a different Redis Cluster node. "+
			"Please make sure that different nodes use different cluster configuration files.", name)
	case isPath:
		s.log.warning("Can't open %s in order to acquire a lock: %s", name, capital(pathError.Err.Error()))
	default:
		s.log.warning("Impossible to lock %s: %v", name, err)
	}
	return errLogged{fmt.Errorf("%s: %w", name, err)}
}

// refusal is why a node does not start, in the words of Redis, which scripts look for.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// errLogged is an error that the log has already.
type errLogged struct{ error }

func (e errLogged) Unwrap() error { return e.error }

// capital is how libc begins the text of an error number.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func flock(fd int) error {
	err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errInUse
	}
	return err
}

// save replaces the file atomically; with sync it is on disk, directory too, when
// save returns. It asks the kernel directly: nodes.conf is saved at every turn of the
// cluster, and an os.File costs more than the save. Mirrors
// cluster_legacy.c:clusterSaveConfig.
func (f *nodesFile) save(text []byte, sync bool) (err error) {
	name := fmt.Sprintf("%s.tmp-%d-%d", f.path, pid, f.saves)
	f.saves++
	const flags = syscall.O_CREAT | syscall.O_EXCL | syscall.O_WRONLY | syscall.O_CLOEXEC
	fd, err := syscall.Open(name, flags, 0o644)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	if err = fill(fd, text, sync); err == nil {
		if err = syscall.Rename(name, f.path); err != nil {
			err = fmt.Errorf("rename to %s: %w", f.path, err)
		}
	}
	if err != nil {
		syscall.Close(fd)
		os.Remove(name)
		return err
	}
	syscall.Close(f.lock)
	f.lock = fd
	if sync {
		return syscall.Fsync(f.dir)
	}
	return nil
}

// fill writes a new file and locks it.
func fill(fd int, text []byte, sync bool) error {
	for len(text) > 0 {
		n, err := syscall.Write(fd, text)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		text = text[n:]
	}
	if sync {
		if err := syscall.Fsync(fd); err != nil {
			return fmt.Errorf("fsync: %w", err)
		}
	}
	return flock(fd)
}

func (f *nodesFile) close() {
	syscall.Close(f.lock)
	syscall.Close(f.dir)
}
