package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/slotdiff/slotdiff/node/cluster"
	"github.com/slotdiff/slotdiff/node/command"
	"github.com/slotdiff/slotdiff/node/command/config"
)

const usage = `Usage: slotnode [/path/to/redis.conf] [options] [-]
       slotnode - (read config from stdin)
       slotnode -v or --version
       slotnode -h or --help

A Redis Cluster node. It takes the configuration file and the options of
redis-server; --cluster-enabled yes is required.

Examples:
       slotnode /etc/redis/7000.conf
       slotnode --port 7000 --cluster-enabled yes --dir /tmp/7000
`

// Main runs a node until ctx ends, a signal arrives or SHUTDOWN is executed.
// args are the arguments without the program's name. It returns the exit code: 0
// after an orderly end, 1 otherwise.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "-v", "--version":
			fmt.Fprintf(stdout, "Redis server v=%s sha=00000000:0 malloc=go bits=64 build=slotnode\n", command.Version)
			return 0
		case "-h", "--help":
			_, _ = io.WriteString(stdout, usage) // help that nobody reads is no failure
			return 0
		}
	}
	if len(args) > 0 && args[0] == HostedFlag {
		return hosted(ctx, os.Stdin, stdout, stderr)
	}
	cfg, file, err := loadConfig(args)
	if err != nil {
		return configError(stderr, err)
	}
	sigCtx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return exitCode(stderr, Run(sigCtx, cfg, file, stdout))
}

// configError prints what is wrong with a configuration as redis-server does and
// returns the exit code.
func configError(stderr io.Writer, err error) int {
	if _, ok := errors.AsType[*config.LineError](err); ok {
		fmt.Fprintf(stderr, "\n*** FATAL CONFIG FILE ERROR (Redis %s) ***\n%s\n", command.Version, err)
	} else {
		fmt.Fprintf(stderr, "Fatal error, %s\n", err)
	}
	return 1
}

// loadConfig reads the file and the directives of the command line.
func loadConfig(args []string) (cfg *config.Config, file string, err error) {
	cfg = config.New()
	var text string
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		if file, err = filepath.Abs(args[0]); err != nil {
			return nil, "", err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, "", fmt.Errorf("can't open config file '%s': %w", file, errors.Unwrap(err))
		}
		text = string(b) + "\n"
		args = args[1:]
	}
	if n := len(args); n > 0 && (args[0] == "-" || args[n-1] == "-") {
		b, err := io.ReadAll(os.Stdin)
		if err != nil {
			return nil, "", fmt.Errorf("can't read the configuration from stdin: %w", err)
		}
		text += string(b) + "\n"
		if args[0] == "-" {
			args = args[1:]
		} else {
			args = args[:n-1]
		}
	}
	include := func(path string) (string, error) {
		b, err := os.ReadFile(path)
		return string(b), err
	}
	if err := cfg.Load(text+config.CommandLine(args), include); err != nil {
		return nil, "", err
	}
	if !cfg.Bool("cluster-enabled") {
		return nil, "", errors.New("slotnode is a Redis Cluster node: start it with --cluster-enabled yes")
	}
	dir, err := filepath.Abs(cfg.Text("dir"))
	if err == nil {
		_, err = os.ReadDir(dir)
	}
	if err != nil {
		return nil, "", &config.LineError{Reason: fmt.Sprintf("Can't chdir to '%s': %s", cfg.Text("dir"), reason(err))}
	}
	cfg.Force("dir", dir)
	cfg.Force("databases", "1")
	return cfg, file, nil
}

// reason strips the operation and path that package os puts before a cause.
func reason(err error) string {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err
	}
	return err.Error()
}

// facts collects what INFO shows of this process.
func facts(cfg *config.Config, file string, start time.Time) command.Facts {
	var id [20]byte
	rand.Read(id[:])
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	return command.Facts{
		PID: pid, RunID: hex.EncodeToString(id[:]), TCPPort: int(cfg.Int("port")),
		StartTime: start.UnixMilli(), Executable: exe, ConfigFile: file,
	}
}

// level turns the loglevel directive into the least important level shown.
func level(cfg *config.Config) cluster.Level {
	switch cfg.Text("loglevel") {
	case "debug":
		return cluster.LevelDebug
	case "verbose":
		return cluster.LevelVerbose
	case "warning":
		return cluster.LevelWarning
	case "nothing":
		return cluster.LevelWarning + 1
	}
	return cluster.LevelNotice
}
