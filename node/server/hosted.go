package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
)

// HostedFlag, as the only argument of Main, makes the process a host: it runs one
// node after another, as lines on its standard input say. A test harness starts and
// stops hundreds of nodes, and starting a process is most of what a short life costs.
//
//	start FILE   run a node with this configuration file
//	stop         end it as SIGTERM does; HostedIdle on standard output says that it has ended
//
// Each node is as fresh as in a process of its own: nothing of one is seen by the
// next. A node that fails or crashes ends the host with it, and so does the end of
// the input.
const (
	HostedFlag = "--hosted"
	HostedIdle = "slotnode: idle"
)

// hosted serves the lines of stdin and returns the exit code.
func hosted(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for {
		select {
		case line, more := <-lines:
			file, isStart := strings.CutPrefix(line, "start ")
			switch {
			case !more:
				return 0
			case !isStart:
				fmt.Fprintf(stderr, "slotnode: %q while no node runs: want start FILE\n", line)
				return 1
			}
			if code, again := hostOne(ctx, file, lines, stdout, stderr); !again {
				return code
			}
			fmt.Fprintln(stdout, HostedIdle)
		case <-ctx.Done():
			return 0
		}
	}
}

// hostOne runs one node until it ends or a line says stop. again is false when the
// host ends with it.
func hostOne(ctx context.Context, file string, lines <-chan string, stdout, stderr io.Writer) (code int, again bool) {
	cfg, path, err := loadConfig([]string{file})
	if err != nil {
		return configError(stderr, err), false
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, cfg, path, stdout) }()
	select {
	case err := <-ended: // by itself: SHUTDOWN, a signal or a failure
		return exitCode(stderr, err), false
	case line, more := <-lines:
		cancel()
		if err := <-ended; err != nil || !more {
			return exitCode(stderr, err), false
		}
		if line != "stop" {
			fmt.Fprintf(stderr, "slotnode: %q while a node runs: want stop\n", line)
			return 1, false
		}
		return 0, true
	}
}

func exitCode(stderr io.Writer, err error) int {
	if err != nil {
		fmt.Fprintln(stderr, "slotnode:", err)
		return 1
	}
	return 0
}
