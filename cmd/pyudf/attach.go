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

// attach takes the worker that somebody else runs for a deployment. It must have loaded the version's bundle.
func (c *candidate) attach(ctx context.Context, at address.Address, bundle *bundles.Bundle, progress func(string)) error {
	if c.flags.workers > 1 {
		return control.Invalid("--workers %d: the node uses the worker at %s, which is one process: leave --workers out", c.flags.workers, at)
	}
	progress(fmt.Sprintf("asking the worker at %s", at))
	sidecar := host.NewSidecar(host.AttachConfig{
		Address: at, TLS: c.node.flags.attachTLS, Expect: bundle.Content, Timeout: attachTimeout, Patient: true,
		Waiting: func(reason error) { progress(fmt.Sprintf("waiting for the worker at %s: %v", at, reason)) }, Logger: c.job.Logger,
	})
	c.workers = &workers{logger: c.job.Logger, start: sidecar.Attach}
	if err := c.workers.warmUp(ctx, 1); err != nil {
		return outcome.Mendable(explainLoad(err))
	}
	return nil
}
