package container

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/slotdiff/slotdiff/oracle"
	"github.com/slotdiff/slotdiff/oracle/probe"
)

// learn starts a server that is no node, to know what it is, and keeps its
// container for the first node.
func (d *Driver) learn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.opt.StartTimeout)
	defer cancel()
	var errs []error
	for _, entry := range d.entries() {
		d.entry = entry
		err := d.learnWith(ctx)
		if err == nil || !errors.Is(err, errNoEntry) {
			return err
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// entries are the places where images keep their server. A server that is told to
// execute itself anew must have been started by its full path.
func (d *Driver) entries() []string {
	if d.image.entry != "" {
		return []string{d.image.entry}
	}
	all := []string{"/usr/local/bin/redis-server", "/usr/bin/redis-server", "/usr/local/bin/valkey-server", "/usr/bin/valkey-server"}
	if strings.Contains(d.image.name, "valkey") {
		all = append(all[2:], all[:2]...)
	}
	return append(all, "")
}

var errNoEntry = errors.New("the image has no such program")

func (d *Driver) learnWith(ctx context.Context) (err error) {
	b, err := d.create(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.remove())
		}
	}()
	if err := b.write(b.conf, []byte(oracle.ConfText(idleConf, nil))); err != nil {
		return err
	}
	if err := b.start(ctx); err != nil {
		if errdefs.IsInvalidArgument(err) || strings.Contains(err.Error(), "no such file") || strings.Contains(err.Error(), "not found") {
			return fmt.Errorf("%w: %w", errNoEntry, err)
		}
		return err
	}
	if err := b.awaitReady(ctx, 0); err != nil {
		return fmt.Errorf("%s: %w\n%s", d.image.name, err, oracle.LogExcerpt(b.log()+b.output(ctx)))
	}
	c, done, err := b.idleClient(ctx)
	if err != nil {
		return err
	}
	defer done()
	info, err := probe.AskOver(ctx, c)
	if err != nil {
		return err
	}
	names := probe.Directives(ctx, c)
	if names["cluster-enabled"] {
		d.knows = func(name string) bool { return names[name] }
	} else {
		d.knows = func(name string) bool { return name != "cluster-bus-port-protected-mode" }
	}
	d.id = info.Identity()
	d.id.How = oracle.Container
	d.id.Source = d.image.source + ", " + d.eng.about
	d.id.Digest = d.image.digest
	d.id.Argv = []string{d.entry, "{conf}"}
	if err := d.id.CheckVersion(d.opt.Product, d.opt.Version); err != nil {
		return fmt.Errorf("%s: %w", d.image.name, err)
	}
	d.giveBack(b)
	return nil
}
