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
	path string
	lock *os.File // the file that stands at path, locked
}

var errInUse = errors.New("already used by a different Redis Cluster node")

// openNodes locks the file, creating it, and reads it; saved is nil for an empty
// one. Mirrors cluster_legacy.c:clusterLockConfig and clusterLoadConfig.
func openNodes(path string) (f *nodesFile, saved *nodesconf.File, err error) {
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, nil, err
	}
	f = &nodesFile{path, lock}
	if err := flock(lock); err != nil {
		lock.Close()
		return nil, nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		if err != nil {
			lock.Close()
		}
		return f, nil, err
	}
	if saved, err = nodesconf.Parse(text); err != nil {
		lock.Close()
		return nil, nil, err
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

// errLogged is an error that the log has already.
type errLogged struct{ error }

func (e errLogged) Unwrap() error { return e.error }

// capital is how libc begins the text of an error number.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func flock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errInUse
	}
	return err
}

// save replaces the file atomically; with sync it is on disk, directory too, when
// save returns. Mirrors cluster_legacy.c:clusterSaveConfig.
func (f *nodesFile) save(text []byte, sync bool) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err = tmp.Chmod(0o644); err != nil {
		return err
	}
	if _, err = tmp.Write(text); err != nil {
		return err
	}
	if sync {
		if err = tmp.Sync(); err != nil {
			return err
		}
	}
	if err = flock(tmp); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), f.path); err != nil {
		return err
	}
	f.lock.Close()
	f.lock = tmp
	if sync {
		return syncDir(filepath.Dir(f.path))
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (f *nodesFile) close() { f.lock.Close() }
