package server

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/slotdiff/slotdiff/node/aof"
	"github.com/slotdiff/slotdiff/node/command"
)

// load fills the keyspace from the append-only file, if that is on, brings it and the slot table
// together, and begins to log. Mirrors server.c:loadDataFromDisk and what follows it in main.
func (s *server) load() error {
	if dump := filepath.Join(s.dir, s.cfg.Text("dbfilename")); !s.cfg.Bool("appendonly") && exists(dump) {
		s.log.warning("slotnode reads no RDB file: %s is left alone", dump)
	}
	if s.cfg.Bool("appendonly") {
		if err := s.loadLog(); err != nil {
			return err
		}
		if err := s.data.Start(); err != nil {
			return refuse("Can't open the append-only file: %v", err)
		}
		s.engine.SetJournal(true)
	}
	s.engine.Reconcile()
	s.performReady()
	return s.fatal
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (s *server) openLog() (*aof.Log, error) {
	return aof.Open(s.dir, s.cfg.Text("appenddirname"), s.cfg.Text("appendfilename"))
}

// loadLog says what Redis says of a log that it cannot read; scripts look for it.
func (s *server) loadLog() (err error) {
	start := time.Now()
	if s.data, err = s.openLog(); err != nil {
		return err
	}
	found, err := s.data.Load(s.cfg.Bool("aof-load-truncated"), s.engine.Replay)
	if found.Adopted {
		s.log.notice("Successfully migrated an old-style AOF file (%s) into the AOF directory (%s).",
			s.cfg.Text("appendfilename"), s.cfg.Text("appenddirname"))
	}
	if format, ok := errors.AsType[*aof.FormatError](err); ok {
		path := filepath.Join(s.cfg.Text("appenddirname"), format.File)
		size := int64(0)
		if fi, err := os.Stat(filepath.Join(s.data.Dir(), format.File)); err == nil {
			size = fi.Size()
		}
		return refuse("Bad file format reading the append only file %s at offset %d.          make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>.          Alternatively you can set the 'aof-load-corrupt-tail-max-size' configuration option to %d and restart the server.",
			path, format.Offset, size-format.Offset)
	}
	if short, ok := errors.AsType[*aof.ShortError](err); ok {
		return refuse("Unexpected end of file reading the append only file %s. You can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the server.",
			short.File)
	}
	if run, ok := errors.AsType[*aof.RunError](err); ok {
		if unknown, ok := errors.AsType[command.UnknownReplay](err); ok {
			return refuse("Unknown command '%s' reading the append only file %s", string(unknown), run.File)
		}
	}
	if err != nil {
		return err
	}
	if cut := found.Cut; cut != nil {
		if cut.Multi {
			s.log.warning("Revert incomplete MULTI/EXEC transaction in AOF file %s", cut.File)
		}
		s.log.warning("!!! Warning: short read while loading the AOF file %s!!!", cut.File)
		s.log.warning("!!! Truncating the AOF %s at offset %d !!!", cut.File, cut.Offset)
	}
	if len(found.Files) > 0 {
		s.log.notice("DB loaded from append only file: %.3f seconds", time.Since(start).Seconds())
	}
	return nil
}

// writeLog appends what changed in this turn, before anyone is told of it. With appendfsync always
// it is on disk when writeLog returns, with everysec at most a second later. A log that
// cannot be written ends the node. Mirrors aof.c:flushAppendOnlyFile.
func (s *server) writeLog() {
	if s.data == nil {
		return
	}
	s.text = s.engine.AppendJournal(s.text[:0])
	err := s.data.Append(s.text)
	switch s.cfg.Text("appendfsync") {
	case "always":
		err = errors.Join(err, s.data.Sync())
	case "everysec":
		if s.now-s.synced >= 1000 {
			s.synced = s.now
			err = errors.Join(err, s.data.Sync())
		}
	}
	if err != nil {
		s.log.warning("Can't persist AOF: %v. Exiting...", err)
		s.fatal = err
	}
}

// switchLog puts a changed appendonly into effect: the log begins with all keys that are there, or
// ends. Mirrors aof.c:startAppendOnly and stopAppendOnly.
func (s *server) switchLog(on bool) error {
	if on == (s.data != nil) {
		return nil
	}
	if !on {
		s.writeLog()
		s.engine.SetJournal(false)
		err := s.data.Close()
		s.data = nil
		return err
	}
	data, err := s.openLog()
	if err != nil {
		return err
	}
	if err := data.Renew(s.engine.AppendState(nil)); err != nil {
		return err
	}
	s.data = data
	s.engine.SetJournal(true)
	return nil
}
