package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/bundles"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/host"
)

// attachTimeout is how long a node waits for a worker that somebody else runs, each time.
const attachTimeout = 5 * time.Minute

// sidecars returns the workers that others run, by the names of deployments.
func (f *nodeFlags) sidecars() (map[string]address.Address, error) {
	all := map[string]address.Address{}
	var faults []error
	for _, text := range f.attach {
		name, at, err := target.ParseAttach(text)
		if err == nil {
			if _, twice := all[name]; twice {
				err = fmt.Errorf("--attach %s: %s has a worker already: name each deployment once", text, name)
			} else {
				err = f.attachTLS.Check(at, "--worker-tls-")
			}
		}
		all[name] = at
		faults = append(faults, err)
	}
	return all, errors.Join(faults...)
}

// attach asks the worker that somebody else runs for a deployment what it serves, and waits until that is the version's bundle. It
// is taken when the version runs, as it serves one engine at a time.
func (c *candidate) attach(ctx context.Context, at address.Address, bundle *bundles.Bundle, progress func(string)) error {
	if c.flags.workers > 1 {
		return control.Invalid("--workers %d: the node uses the worker at %s, which is one process: leave --workers out", c.flags.workers, at)
	}
	progress(fmt.Sprintf("asking the worker at %s", at))
	c.attached = &host.AttachConfig{
		Address: at, TLS: c.node.flags.attachTLS, Expect: bundle.Content, Timeout: attachTimeout, Patient: true,
		Waiting: func(reason error) { progress(fmt.Sprintf("waiting for the worker at %s: %v", at, reason)) }, Logger: c.job.Logger,
	}
	said, err := host.NewSidecar(*c.attached).Describe(ctx)
	if err != nil {
		return outcome.Mendable(explainLoad(err))
	}
	c.workers = &workers{logger: c.job.Logger, said: said, hash: said.GetContentHash()}
	return nil
}

// take has a run use the attached worker, if there is one. Once the run is to end it is not waited for any more.
func (c *candidate) take(ctx context.Context) (release func() bool) {
	if c.attached == nil {
		return func() bool { return false }
	}
	quit := make(chan struct{})
	config := *c.attached
	config.Quit, config.Waiting = quit, nil
	c.workers.start = host.NewSidecar(config).Attach
	return context.AfterFunc(ctx, func() { close(quit) })
}
