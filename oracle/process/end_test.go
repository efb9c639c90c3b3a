package process_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/oracletest"
	"github.com/slotdiff/slotdiff/oracle/probe"
	"github.com/slotdiff/slotdiff/oracle/process"
)

// toolEnv makes the test binary a tool that runs two nodes of the server in the
// variable until it is interrupted or killed.
const toolEnv = "SLOTDIFF_TEST_TOOL"

func TestMain(m *testing.M) {
	if server := os.Getenv(toolEnv); server != "" {
		if err := tool(strings.Fields(server)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(130)
	}
	os.Exit(m.Run())
}

func tool(argv []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	d, err := process.Open(ctx, process.Options{Binary: process.Binary{Argv: argv}})
	if err != nil {
		return err
	}
	for _, name := range []string{"a", "b"} {
		n, err := d.Start(ctx, oracle.NodeSpec{Name: name})
		if err != nil {
			return err
		}
		info, err := probe.Ask(ctx, n.Addr())
		if err != nil {
			return err
		}
		fmt.Println(info.PID)
	}
	<-ctx.Done()
	return d.Close()
}

// startTool returns the tool and the process numbers of its nodes.
func startTool(t *testing.T) (*exec.Cmd, []int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), toolEnv+"="+strings.Join(oracletest.Binary(t).Argv, " "))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	r := bufio.NewReader(out)
	var pids []int
	for range 2 {
		line, err := r.ReadString('\n')
		if err != nil {
			rest, _ := io.ReadAll(r)
			t.Fatalf("tool: %v after %q", err, line+string(rest))
		}
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("tool said %q", line)
		}
		pids = append(pids, pid)
	}
	return cmd, pids
}

func TestToolIsInterrupted(t *testing.T) {
	noLeftovers(t)
	cmd, pids := startTool(t)
	// As a terminal does it: the whole group of the tool.
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	for _, pid := range pids {
		if runs(pid) {
			t.Errorf("node %d survived", pid)
		}
	}
}

func TestToolIsKilled(t *testing.T) {
	noLeftovers(t)
	cmd, pids := startTool(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	for _, pid := range pids {
		await(t, fmt.Sprintf("node %d ends with the tool", pid), func() bool { return !runs(pid) })
	}
	// The directory is what the kernel cannot remove; the next run does, and says so.
	var said []string
	d := open(t, process.Options{Binary: oracletest.Binary(t), Progress: func(s string) { said = append(said, s) }})
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(strings.Join(said, "\n"), "removed what a killed run left") {
		t.Errorf("said: %q", said)
	}
}
