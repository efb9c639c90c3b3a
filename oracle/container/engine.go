package container

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"

	"github.com/slotdiff/slotdiff/oracle/rundir"
)

// Labels of every container of ours.
const (
	labelRun   = "slotdiff.run"   // rundir.Dir.ID of the run
	labelOwner = "slotdiff.owner" // rundir.Process of the run
	labelRoot  = "slotdiff.root"  // of an image built here: provision.Root.Digest
)

// engine is a connection to a container engine on this machine.
type engine struct {
	provider *testcontainers.DockerProvider
	api      client.APIClient
	about    string // "docker 20.10.24"
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

var settle = sync.OnceFunc(func() {
	// The library would otherwise take the default gateway for the engine's
	// host when it finds itself in a container, and dial off this machine.
	mustSetenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
	// The reaper is an image, which may not be had.
	mustSetenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	tclog.SetDefault(quiet{})
})

func mustSetenv(name, value string) {
	if err := os.Setenv(name, value); err != nil {
		panic("container: " + err.Error())
	}
}

// answerTime is how long an engine may take to answer a first question.
const answerTime = 5 * time.Second

// connect finds the engine. The error says why there is none.
func connect(ctx context.Context) (*engine, error) {
	settle()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	// The library falls back to the default socket when DOCKER_HOST does not
	// answer. Who sets it means it.
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		if err := isLocal(host); err != nil {
			return nil, err
		}
		api, err := client.New(client.FromEnv)
		if err != nil {
			return nil, fmt.Errorf("no engine at DOCKER_HOST=%s: %w", host, err)
		}
		_, err = api.Ping(ctx, client.PingOptions{})
		api.Close()
		if err != nil {
			return nil, fmt.Errorf("no engine answers at DOCKER_HOST=%s: %w", host, err)
		}
	}
	type result struct {
		provider *testcontainers.DockerProvider
		err      error
	}
	// The library's search knows no deadline.
	found := make(chan result, 1)
	go func() {
		p, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(quiet{}))
		found <- result{p, err}
	}()
	var r result
	select {
	case r = <-found:
	case <-ctx.Done():
		return nil, fmt.Errorf("no container engine answers: %w", ctx.Err())
	}
	if r.err != nil {
		return nil, fmt.Errorf("no container engine answers: %s", strings.ReplaceAll(r.err.Error(), "\n", "; "))
	}
	e := &engine{provider: r.provider, api: r.provider.Client()}
	if err := isLocal(e.api.DaemonHost()); err != nil {
		return nil, errors.Join(err, e.close())
	}
	v, err := e.api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the container engine does not answer: %w", err), e.close())
	}
	e.about = "docker " + v.Version
	return e, nil
}

func (e *engine) close() error { return e.provider.Close() }

// isLocal refuses engines whose host network is not this machine's.
func isLocal(host string) error {
	u, err := url.Parse(host)
	if err != nil {
		return fmt.Errorf("engine %q: %w", host, err)
	}
	switch u.Scheme {
	case "unix", "npipe":
		return nil
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.IsLoopback() || u.Hostname() == "localhost" {
		return nil
	}
	return fmt.Errorf("engine %s: not on this machine; slotdiff reaches its nodes over loopback", host)
}

// Available says which engine answers here, or why none does. It takes at most
// some seconds and changes nothing.
func Available(ctx context.Context) (about string, err error) {
	e, err := connect(ctx)
	if err != nil {
		return "", err
	}
	return e.about, e.close()
}

func runLabels(run string) (map[string]string, error) {
	self, err := rundir.Lookup(os.Getpid())
	if err != nil {
		return nil, err
	}
	return map[string]string{labelRun: run, labelOwner: self.String()}, nil
}

// sweep removes the containers of runs that are certainly over.
func (e *engine) sweep(ctx context.Context) (swept []string, err error) {
	list, err := e.api.ContainerList(ctx, client.ContainerListOptions{
		All:     true,
		Filters: make(client.Filters).Add("label", labelRun),
	})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	for _, c := range list.Items {
		owner, err := rundir.ParseProcess(c.Labels[labelOwner])
		if err != nil || !owner.Gone() {
			continue
		}
		wg.Go(func() {
			err := e.remove(ctx, c.ID)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			if err == nil {
				swept = append(swept, fmt.Sprintf("container %.12s of run %s", c.ID, c.Labels[labelRun]))
			}
		})
	}
	wg.Wait()
	return swept, errors.Join(errs...)
}

// remove kills and removes a container. One that is gone is no error.
func (e *engine) remove(ctx context.Context, id string) error {
	_, err := e.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	if !errdefs.IsConflict(err) {
		return fmt.Errorf("remove container %.12s: %w", id, err)
	}
	// Somebody else removes it at the moment; see that they do.
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		if _, err := e.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{}); errdefs.IsNotFound(err) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("remove container %.12s: %w", id, err)
}

// exitStatus puts an engine's exit code into the words of os.ProcessState.
func exitStatus(code string) string {
	n, err := strconv.Atoi(code)
	if err == nil && n > 128 && n < 128+65 {
		return "signal: " + syscall.Signal(n-128).String()
	}
	return "exit status " + code
}

// ownUser makes the server's files ours to read and remove.
func ownUser() string { return fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()) }
