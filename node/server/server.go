package server

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/slotdiff/slotdiff/node/aof"
	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command"
	"github.com/slotdiff/slotdiff/node/command/config"
	"github.com/slotdiff/slotdiff/node/store"
)

// server is a running node. All fields below the line belong to the owner.
type server struct {
	ctx     context.Context
	log     *logger
	clock   *clock
	events  chan any
	stopped chan struct{} // closed when the owner is gone
	wg      sync.WaitGroup

	maxBulk, maxQuery int64 // limits of a command, fixed at the start

	// ---
	cfg     *config.Config
	file    string
	dir     string // the dir directive, absolute
	engine  *command.Engine
	core    *cluster.Node
	nodes   *nodesFile
	data    *aof.Log // nil: appendonly is off
	text    []byte   // scratch of writeLog
	synced  int64    // when data was last synced
	conns   map[*command.Client]*conn
	links   map[cluster.LinkID]*link
	accepts uint64
	queued  bool   // the last Report named a send queue
	joined  []byte // frames to one link, on their way
	offset  int64  // the last Report's ReplOffset
	now     int64
	fatal   error
}

// Run runs a node until ctx ends or SHUTDOWN is executed. file is the path of the
// configuration file, empty if there is none; log lines go to stdout unless the
// logfile directive names a file.
func Run(ctx context.Context, cfg *config.Config, file string, stdout io.Writer) error {
	return run(ctx, cfg, file, stdout, newClock(wallRate))
}

func run(ctx context.Context, cfg *config.Config, file string, stdout io.Writer, c *clock) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	logfile := cfg.Text("logfile")
	if logfile != "" && !filepath.IsAbs(logfile) {
		logfile = filepath.Join(cfg.Text("dir"), logfile)
	}
	log, err := newLogger(logfile, stdout, level(cfg))
	if err != nil {
		return err
	}
	defer func() { _ = log.close() }() // where it cannot be written there is nobody to tell
	s := &server{
		ctx: ctx, log: log, clock: c, cfg: cfg, file: file, dir: cfg.Text("dir"),
		events: make(chan any, 256), stopped: make(chan struct{}),
		maxBulk: cfg.Int("proto-max-bulk-len"), maxQuery: cfg.Int("client-query-buffer-limit"),
		conns: map[*command.Client]*conn{}, links: map[cluster.LinkID]*link{},
	}
	if err := s.start(); err != nil {
		if _, logged := errors.AsType[errLogged](err); !logged {
			log.warning("%v", err)
		}
		return err
	}
	defer s.nodes.close()
	err = s.checkPlaces()
	var listeners []net.Listener
	if err == nil {
		listeners, err = s.listen()
	}
	if err != nil {
		log.warning("%v", err)
		return err
	}
	log.notice("Server initialized")
	if err = s.load(); err != nil {
		log.warning("%v", err)
	} else {
		log.notice("Ready to accept connections tcp")
		err = s.own()
	}
	if s.data != nil {
		err = errors.Join(err, s.data.Close())
	}
	for _, l := range listeners {
		l.Close()
	}
	for _, c := range s.conns {
		c.end(true)
	}
	for _, l := range s.links {
		if l.out != nil {
			l.out.end(true)
		}
	}
	cancel()
	close(s.stopped)
	s.wg.Wait()
	s.discardEvents()
	if err == nil {
		log.warning("Redis is now ready to exit, bye bye...")
	}
	return err
}

// start makes the core and the engine. Mirrors the order of server.c:main.
func (s *server) start() error {
	cfg := s.cfg
	s.log.notice("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo")
	f := facts(cfg, s.file, s.clock.start)
	s.log.notice("Redis version=%s, bits=64, commit=00000000, modified=0, pid=%d, just started", command.Version, f.PID)
	s.log.notice("Configuration loaded")
	s.log.notice("Running mode=cluster, port=%d.", f.TCPPort)
	path := cfg.Text("cluster-config-file")
	if !filepath.IsAbs(path) {
		path = filepath.Join(cfg.Text("dir"), path)
	}
	nodes, saved, err := openNodes(path)
	if err != nil {
		return s.refuseNodes(cfg.Text("cluster-config-file"), err)
	}
	s.nodes = nodes
	var seed [32]byte
	cryptorand.Read(seed[:])
	chance := rand.NewChaCha8(seed)
	s.core, err = cluster.New(cluster.Config{
		Now: s.clock.micros() / 1000, Rand: chance, Saved: saved, Settings: command.Settings(cfg), LogLevel: level(cfg),
	})
	if err != nil {
		nodes.close()
		return err
	}
	s.engine = command.New(command.Options{
		Cluster: s.core, DB: store.New(), Config: cfg, Facts: f, Host: (*host)(s), Rand: chance,
	})
	s.setNow()
	s.performReady()
	return s.fatal
}

// send hands an event to the owner; false when it is gone.
func (s *server) send(ev any) bool {
	select {
	case s.events <- ev:
		return true
	case <-s.stopped:
		return false
	}
}

// discardEvents closes the connections that nobody took in any more.
func (s *server) discardEvents() {
	for n := len(s.events); n > 0; n-- {
		switch ev := (<-s.events).(type) {
		case accepted:
			ev.nc.Close()
		case busAccepted:
			ev.nc.Close()
		case dialled:
			if ev.nc != nil {
				ev.nc.Close()
			}
		}
	}
}

// spawn runs f in a goroutine that the end of the node waits for.
func (s *server) spawn(f func()) { s.wg.Go(func() { s.guard(f) }) }

// panicked is the event of a panic in a goroutine beside the owner.
type panicked struct {
	value any
	stack []byte
}

// guard runs f, whose panic ends this node, not the process: it may hold others.
func (s *server) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			s.send(panicked{p, debug.Stack()})
		}
	}()
	f()
}

func (s *server) setNow() {
	us := s.clock.micros()
	s.now = us / 1000
	s.engine.SetNow(us)
}

// own is the owner's loop. A panic is a bug of ours: it is logged where scripts
// look for a crash of redis-server, and ends the node with an error.
func (s *server) own() (err error) {
	defer func() {
		if p := recover(); p != nil {
			c, is := p.(panicked)
			if !is {
				c = panicked{p, debug.Stack()}
			}
			s.log.warning("=== REDIS BUG REPORT START: Cut & paste starting from here ===")
			s.log.warning("slotnode crashed by panic: %v %s", c.value, c.stack)
			err = fmt.Errorf("crashed by panic: %v", c.value)
		}
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for s.fatal == nil && !s.engine.ShuttingDown() {
		select {
		case ev := <-s.events:
			s.setNow()
			s.handle(ev)
			for n := len(s.events); n > 0; n-- {
				s.handle(<-s.events)
			}
		case <-timer.C:
			s.setNow()
		case <-s.clock.changed:
			s.setNow()
		case <-s.ctx.Done():
			if err := context.Cause(s.ctx); errors.Is(err, errKilled) {
				return err
			}
			s.log.warning("Received SIGTERM scheduling shutdown...")
			s.log.warning("User requested shutdown...")
			return nil
		}
		s.turn()
		timer.Reset(s.untilNextTick())
	}
	if s.fatal == nil {
		s.log.warning("User requested shutdown...")
	}
	return s.fatal
}

// handle takes one event.
func (s *server) handle(ev any) {
	switch ev := ev.(type) {
	case batch:
		s.handleBatch(ev)
	case frames:
		s.handleFrames(ev)
	case accepted:
		s.handleAccepted(ev.nc)
	case busAccepted:
		s.handleBusAccepted(ev.nc)
	case dialled:
		s.handleDialled(ev)
	case linkLost:
		s.lose(ev.l, ev.reason)
	case hungUp:
		ev.c.end(true)
		s.drop(ev.c)
	case panicked:
		panic(ev)
	default:
		panic(fmt.Sprintf("node/server: unknown event %T", ev))
	}
}

// turn does what is due after the events that were there: it is the beforeSleep
// of Redis. Replies are written last, so that what they rest on is durable.
func (s *server) turn() {
	s.performReady() // in Redis a packet has had its effects, on blocked clients too, before a cron looks
	if s.now >= s.core.NextTick() {
		s.report()
		s.step(cluster.Tick{})
		s.engine.Tick()
	} else if wake := s.engine.NextWake(); wake != 0 && s.now >= wake {
		s.engine.Tick()
	}
	s.performReady()
	for {
		ready := s.engine.TakeUnblocked()
		if len(ready) == 0 {
			break
		}
		for _, cl := range ready {
			if c := s.conns[cl]; c != nil {
				s.proceed(c)
			}
		}
		s.performReady()
	}
	s.writeLog()
	for _, cl := range s.engine.TakeDirty() {
		s.flush(cl)
	}
	s.log.setReplica(s.core.Replica())
}

func (s *server) untilNextTick() time.Duration {
	next := s.core.NextTick()
	if wake := s.engine.NextWake(); wake != 0 {
		next = min(next, wake)
	}
	return max(s.clock.wall(next*1000-s.clock.micros()), 0)
}

// step feeds the core.
func (s *server) step(ev cluster.Event) {
	if err := s.core.Step(s.now, ev); err != nil {
		panic(err) // the time never falls: our bug
	}
}

// report tells the core what it cannot see of the data plane, if that changed.
func (s *server) report() {
	r := cluster.Report{ReplOffset: s.engine.ReplOffset()}
	for id, l := range s.links {
		if l.out != nil {
			if n := l.out.queued(); n > 0 {
				r.SendQueues = append(r.SendQueues, cluster.SendQueue{Link: id, Bytes: n})
			}
		}
	}
	if len(r.SendQueues) > 0 || s.queued || r.ReplOffset != s.offset {
		s.queued, s.offset = len(r.SendQueues) > 0, r.ReplOffset
		s.step(r)
	}
}

// performReady performs the effects of the core in their order.
func (s *server) performReady() {
	for s.core.HasReady() && s.fatal == nil {
		rd := s.core.Ready()
		for _, r := range rd.Log {
			s.log.Log(r.Level, r.Text)
		}
		if rd.Persist != nil {
			if err := s.nodes.save(rd.Persist, rd.Sync); err != nil {
				s.log.warning("Fatal: can't update cluster config file: %v", err)
				s.fatal = fmt.Errorf("can't update cluster config file: %w", err)
				return
			}
		}
		for _, op := range rd.Data {
			s.engine.Perform(op)
		}
		for _, id := range rd.Close {
			s.closeLink(id)
		}
		for _, d := range rd.Dial {
			s.dial(d)
		}
		s.sendFrames(rd.Send)
	}
}

// host is what the engine sees of the server.
type host server

func (h *host) Log(level cluster.Level, text string) { h.log.Log(level, text) }

func (h *host) Sleep(us int64) {
	for end := h.clock.micros() + us; ; {
		left := end - h.clock.micros()
		if left <= 0 {
			return
		}
		t := time.NewTimer(h.clock.wall(left))
		select {
		case <-t.C:
		case <-h.clock.changed: // the owner, who sleeps, looks at its timer when it has slept
		case <-h.ctx.Done():
			t.Stop()
			return
		}
		t.Stop()
	}
}

func (h *host) Apply(directive string) error {
	switch directive {
	case "dir":
		return h.chdir(h.cfg.Text("dir"))
	case "appendonly":
		return (*server)(h).switchLog(h.cfg.Bool("appendonly"))
	case "loglevel":
		h.log.setLevel(level(h.cfg))
	}
	return nil
}

// chdir changes the directory that relative paths of later CONFIG SETs start
// from. The process stays where it is: nodes.conf and the log were opened at the
// start, and several nodes may live in one process.
func (h *host) chdir(dir string) error {
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(h.dir, dir)
	}
	if err := checkDir(dir); err != nil {
		return errors.New(reason(err))
	}
	h.dir = dir
	h.cfg.Force("dir", dir)
	return nil
}

func (h *host) Rewrite(cfg *config.Config) error { return rewrite(h.file, cfg) }
