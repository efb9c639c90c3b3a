package aof

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Log is the log of one node: Open it, Load it once, then Start it and append.
type Log struct {
	parent string // dir
	dir    string // dir/appenddirname
	name   string // appendfilename
	parts  manifest

	file     *os.File // the last increment; nil before Start
	unsynced bool
}

// Open reads the manifest, if there is one. dirName and name are appenddirname and
// appendfilename. Mirrors aof.c:aofLoadManifestFromDisk.
func Open(dir, dirName, name string) (*Log, error) {
	l := &Log{parent: dir, dir: filepath.Join(dir, dirName), name: name}
	text, err := os.ReadFile(l.manifestPath())
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if l.parts, err = parseManifest(string(text)); err != nil {
			return nil, fmt.Errorf("%s.manifest:%w", name, err)
		}
	}
	return l, nil
}

func (l *Log) manifestPath() string { return filepath.Join(l.dir, l.name+".manifest") }

// adopt makes the file of an older version the base. It reports whether there was one.
// Mirrors aof.c:aofUpgradePrepare and the conditions for it.
func (l *Log) adopt() (bool, error) {
	old := filepath.Join(l.parent, l.name)
	if _, err := os.Stat(old); err != nil || len(l.parts.live()) > 0 {
		return false, nil //nolint:nilerr // a file that is not there, or cannot be seen, is none to adopt
	}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return false, err
	}
	l.parts = append(l.parts, part{name: l.name, seq: 1, kind: 'b'})
	if err := l.writeManifest(); err != nil {
		return false, err
	}
	return true, os.Rename(old, filepath.Join(l.dir, l.name))
}

// Loaded says what Load found.
type Loaded struct {
	Adopted bool        // a file of an older version became the base
	Files   []string    // that were read, in order
	Cut     *ShortError // where the last one was cut, nil: it was whole
}

// Load gives every command to run, which must not keep it. With truncate, a last file that ends
// within a command is cut there; else that is an error, as it always is for any other file.
// Mirrors aof.c:loadAppendOnlyFiles.
func (l *Log) Load(truncate bool, run func(argv [][]byte) error) (Loaded, error) {
	var done Loaded
	var err error
	if done.Adopted, err = l.adopt(); err != nil {
		return done, err
	}
	live := l.parts.live()
	for i, p := range live {
		f, err := os.Open(filepath.Join(l.dir, p.name))
		if err != nil {
			return done, err
		}
		err = read(p.name, f, run)
		f.Close()
		if short, ok := errors.AsType[*ShortError](err); ok && truncate && i == len(live)-1 {
			done.Cut = short
			err = os.Truncate(filepath.Join(l.dir, p.name), short.Offset)
		}
		if err != nil {
			return done, err
		}
		done.Files = append(done.Files, p.name)
	}
	return done, nil
}

// Dir is the directory of the log.
func (l *Log) Dir() string { return l.dir }

// Start opens the last increment for appending and makes what is missing: with nothing loaded, an
// empty base. Mirrors aof.c:aofOpenIfNeededOnServerStart.
func (l *Log) Start() error {
	if len(l.parts.live()) == 0 {
		return l.Renew(nil)
	}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	live := l.parts.live()
	last := live[len(live)-1]
	if last.kind != 'i' {
		last = l.increment()
		l.parts = append(l.parts, last)
	}
	return l.open(last, l.parts)
}

// Renew begins the log anew, with a base that holds the given commands. The old files are removed
// once the new ones are durable.
func (l *Log) Renew(base []byte) error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	seq := l.parts.lastSeq('b') + 1
	first := part{name: fmt.Sprintf("%s.%d.base.aof", l.name, seq), seq: seq, kind: 'b'}
	if err := replace(filepath.Join(l.dir, first.name), base); err != nil {
		return err
	}
	old, next := l.parts, l.increment()
	if err := l.open(next, manifest{first, next}); err != nil {
		return err
	}
	for _, p := range old {
		if err := os.Remove(filepath.Join(l.dir, p.name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (l *Log) increment() part {
	seq := l.parts.lastSeq('i') + 1
	return part{name: fmt.Sprintf("%s.%d.incr.aof", l.name, seq), seq: seq, kind: 'i'}
}

// open makes an increment the one that is appended to and parts the manifest.
func (l *Log) open(last part, parts manifest) error {
	f, err := os.OpenFile(filepath.Join(l.dir, last.name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		f.Close()
		return err
	}
	l.file, l.parts = f, parts
	return l.writeManifest()
}

func (l *Log) writeManifest() error { return replace(l.manifestPath(), []byte(l.parts.String())) }

// Append writes commands to the log; they survive the end of the process, and that of the
// machine after the next Sync.
func (l *Log) Append(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	l.unsynced = true
	_, err := l.file.Write(b)
	return err
}

// Sync makes durable what was appended.
func (l *Log) Sync() error {
	if !l.unsynced {
		return nil
	}
	l.unsynced = false
	return l.file.Sync()
}

// Close syncs and closes the log. A Log that was not started is closed.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.Sync(), l.file.Close())
	l.file = nil
	return err
}

// replace writes a file atomically and durably.
func replace(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "temp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
