package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/interrupt"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/sidecar"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/host"
)

type workerFlags struct {
	code         codeFlags
	talk         talkFlags
	socket       string
	socketMode   string
	listen       string
	tls          address.TLS
	health       string
	startTimeout time.Duration
	drainTimeout time.Duration
}

func newWorker(w *world) *cobra.Command {
	var flags workerFlags
	cmd := &cobra.Command{
		Use:     "worker APP.py | FILE:FUNCTION",
		Short:   "Serve an app's functions to an engine elsewhere, as a sidecar in your image",
		GroupID: groupShip,
		Long: `worker loads an app and runs its functions for an engine in another container or on another machine, which was
given the address with --attach. It reads and writes no topics itself. One engine at a time is served.

` + targetHelp + `

Engines come in on a Unix socket, or on TCP with mutual TLS: each side shows a certificate that the CA signed.
Certificates may be replaced while it runs.

Python is started again when it dies, and when the code does not load, until it does. With --health-addr
GET /livez says that the program runs, and GET /readyz whether engines are served, else why not.

SIGTERM or Ctrl-C drains: calls under way are finished and answered, and no other is begun; engines wait until the
worker is back. A second one ends it at once.`,
		Example: `  pyudf worker heat-3f9a1c22b07d.pyudf --socket /run/pyudf/heat.sock --health-addr :8080
  pyudf worker heat.py --listen :7443 --tls-cert tls.crt --tls-key tls.key --tls-ca ca.crt
  pyudf run --attach unix:///run/pyudf/heat.sock`,
		Args:              exactly(1),
		ValidArgsFunction: completeFiles(0, "py", "ipynb", "pyudf"),
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, args) },
	}
	cmd.Flags().StringVar(&flags.socket, "socket", "", "the `PATH` of the Unix socket to listen on")
	cmd.Flags().StringVar(&flags.socketMode, "socket-mode", "0600", "the `MODE` of the socket: 0660 lets engines in that have the group in common")
	cmd.Flags().StringVar(&flags.listen, "listen", "", "`HOST:PORT` to listen on with mutual TLS")
	cmd.Flags().StringVar(&flags.tls.Cert, "tls-cert", "", "with --listen, the `FILE` with the certificate that engines are shown")
	cmd.Flags().StringVar(&flags.tls.Key, "tls-key", "", "with --listen, the `FILE` with its key")
	cmd.Flags().StringVar(&flags.tls.CA, "tls-ca", "", "with --listen, the `FILE` with the CA of the engines' certificates")
	cmd.Flags().StringVar(&flags.health, "health-addr", "", "answer probes at `HOST:PORT`, paths /livez and /readyz")
	cmd.Flags().DurationVar(&flags.startTimeout, "start-timeout", 5*time.Minute, "the `TIME` that the code may take to load")
	cmd.Flags().DurationVar(&flags.drainTimeout, "drain-timeout", 25*time.Second, "the `TIME` that calls under way may take at the end")
	flags.code.addTarget(cmd)
	flags.talk.addLog(cmd)
	return cmd
}

func (f *workerFlags) run(ctx context.Context, w *world, args []string) error {
	config, err := f.parse(w, args)
	if err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := interrupt.Context(ctx, w.signals, interrupt.Handler{
		First: func() {
			config.Logger.Info("stopping: finishing the calls under way; a second signal stops at once", "at_most", f.drainTimeout)
		},
		Second: func() {
			w.say("stopped at once: engines run the calls that were under way again")
			w.exit(outcome.Failed)
		},
	})
	defer release()
	err = sidecar.Serve(ctx, config)
	if err != nil && ctx.Err() == nil {
		return outcome.Mendable(err)
	}
	return err
}

// parse returns what the flags say, or all faults of them at once.
func (f *workerFlags) parse(w *world, args []string) (config sidecar.Config, err error) {
	faults := make([]error, 3)
	var what target.Target
	what, faults[0] = target.Resolve(args, f.code.target)
	if what.Start != (target.Start{}) {
		faults[0] = fmt.Errorf("--from %s: where reading begins is for the engine to know: leave it out here", f.code.target.From)
	}
	config.Listen, faults[1] = f.place()
	if f.startTimeout <= 0 {
		faults = append(faults, fmt.Errorf("--start-timeout %s: write a time such as 5m", f.startTimeout))
	}
	if f.drainTimeout <= 0 {
		faults = append(faults, fmt.Errorf("--drain-timeout %s: write a time such as 25s", f.drainTimeout))
	}
	var talk *talk
	talk, faults[2] = f.talk.open(w)
	if err := errors.Join(faults...); err != nil {
		return config, err
	}
	interpreter, err := f.code.interpreter(what.File)
	if err != nil {
		return config, err
	}
	config.Worker = host.Config{
		Python: interpreter, Logger: talk.logger, StartTimeout: f.startTimeout,
		Args: append(what.Arguments, fmt.Sprintf("--grace=%g", f.drainTimeout.Seconds())),
	}
	config.HealthAddr, config.DrainTimeout, config.Logger = f.health, f.drainTimeout, talk.logger
	return config, nil
}

// place returns where to listen.
func (f *workerFlags) place() (sidecar.Listen, error) {
	switch {
	case f.socket == "" && f.listen == "":
		return sidecar.Listen{}, errors.New("nobody could reach the worker: add --socket PATH, or --listen HOST:PORT with certificates")
	case f.socket != "" && f.listen != "":
		return sidecar.Listen{}, fmt.Errorf("--socket %s and --listen %s: a worker listens at one place: give one of them", f.socket, f.listen)
	}
	at := address.Address{Path: f.socket, Host: f.listen}
	mode, err := strconv.ParseUint(f.socketMode, 8, 9)
	if err != nil {
		err = fmt.Errorf("--socket-mode %s: write an octal number such as 0660", f.socketMode)
	}
	return sidecar.Listen{Address: at, Mode: fs.FileMode(mode), TLS: f.tls}, errors.Join(f.tls.Check(at, "--tls-"), err)
}
