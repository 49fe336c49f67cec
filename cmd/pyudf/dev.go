package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/settings"
	"github.com/pyudf/pyudf/engine/embedded"
)

// devCluster is the cluster of the node that dev runs.
const devCluster = "dev"

type devFlags struct {
	talk        talkFlags
	node        nodeFlags
	addr        string
	dataDir     string
	readyFile   string
	engineReady string
	alone       bool
	partitions  int
}

func newDev(w *world) *cobra.Command {
	var flags devFlags
	cmd := &cobra.Command{
		Use:     "dev",
		Short:   "Start a broker and an engine node on this machine, to try things with",
		GroupID: groupTry,
		Long: `dev starts a Kafka broker inside this program, and an engine node that runs what is deployed: nothing to install,
nothing to configure. They serve this machine until Ctrl-C. Topics come into being when they are first used and
keep their records without limit of time. Without --data-dir everything is gone when it ends: records, state and
what was deployed. It is no broker for production; ` + "`pyudf engine`" + ` is the same node on a Kafka of your own.`,
		Example: `  pyudf dev
  pyudf dev --data-dir ./data            # topics, state and what is deployed are there again next time
  pyudf dev --no-engine                  # a broker alone
  pyudf dev --addr :0 --ready-file addr  # any free port; the file says which, once it listens`,
		Args:              exactly(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags.settle(cmd.Flags().Changed("listen"))
			return flags.run(cmd.Context(), w)
		},
	}
	cmd.Flags().StringVar(&flags.addr, "addr", settings.DefaultBrokers, "`HOST:PORT` of the broker; port 0 takes a free one, for the node too unless --listen is given")
	cmd.Flags().StringVar(&flags.node.listen, "listen", control.DefaultAddr, "`HOST:PORT` of the node, on this machine; port 0 takes a free one")
	cmd.Flags().BoolVar(&flags.alone, "no-engine", false, "start the broker alone, without a node")
	cmd.Flags().StringVar(&flags.dataDir, "data-dir", "", "the `DIRECTORY` that keeps the data; without it they are in memory, and state in a temporary directory")
	cmd.Flags().StringVar(&flags.readyFile, "ready-file", "", "`FILE` to write host:port to once the broker listens; removed at the end")
	cmd.Flags().StringVar(&flags.engineReady, "engine-ready-file", "", "`FILE` to write the URL of the node to once it listens; removed at the end")
	cmd.Flags().IntVar(&flags.partitions, "partitions", defaultPartitions, "the number `N` of partitions of a topic at its first use")
	cmd.Flags().StringVar(&flags.node.python, "python", "", "the `INTERPRETER` or virtual environment for what is deployed (default as for pyudf run)")
	flags.talk.addLog(cmd)
	return cmd
}

// settle fills in what the user did not say.
func (f *devFlags) settle(listenGiven bool) {
	if _, port, err := net.SplitHostPort(f.addr); err == nil && port == "0" && !listenGiven {
		f.node.listen = "127.0.0.1:0"
	}
	if host, port, err := net.SplitHostPort(f.node.listen); err == nil && host == "" {
		f.node.listen = net.JoinHostPort("127.0.0.1", port)
	}
	f.node.cluster, f.node.maxBundle, f.node.snapshotInterval = devCluster, "64MB", 10*time.Minute
}

func (f *devFlags) run(ctx context.Context, w *world) error {
	talk, err := f.talk.open(w)
	if err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := w.interruptible(ctx, func() { w.say("stopping; press Ctrl-C again to stop at once") })
	defer release()
	broker, err := embedded.Start(embedded.Config{Addr: f.addr, DataDir: f.dataDir, Partitions: f.partitions, Logger: talk.logger}) //nolint:contextcheck // listening takes no time
	if err != nil {
		return outcome.Mendable(err)
	}
	return firstOf(f.serve(ctx, w, broker.Addr(), talk), broker.Close())
}

// serve says what is there, and runs the node until ctx ends.
func (f *devFlags) serve(ctx context.Context, w *world, addr string, t *talk) error {
	missing, err := f.missing(ctx)
	if err != nil {
		return outcome.Mendable(err)
	}
	if f.readyFile != "" {
		if err := writeReady("--ready-file", f.readyFile, addr); err != nil {
			return outcome.Mendable(err)
		}
		defer func() { _ = os.Remove(f.readyFile) }() // whoever waits for it has read it
	}
	if err := w.print(greeting(addr, f.dataDir)); err != nil {
		return err
	}
	if missing == "" && !f.alone {
		return f.runNode(ctx, w, addr, t)
	}
	if err := w.print(missing + advice(addr, "")); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// missing says what this machine lacks for a node, empty if it lacks nothing. Its error is a flag that is to be mended.
func (f *devFlags) missing(ctx context.Context) (string, error) {
	if f.alone {
		return "", nil
	}
	if _, err := (&codeFlags{python: f.node.python}).interpreter(""); err != nil {
		if f.node.python != "" {
			return "", err
		}
		return fmt.Sprintf("There is no node to deploy to: %v, then start it again.\n", err), nil
	}
	return "", f.free(ctx)
}

// free says what to write if the node cannot listen: before anybody is told that it does.
func (f *devFlags) free(ctx context.Context) error {
	host, _, err := net.SplitHostPort(f.node.listen)
	if ip := net.ParseIP(host); err == nil && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--listen %s is reached from other machines, which takes TLS and tokens: listen on %s, or start a node with `pyudf engine`", f.node.listen, control.DefaultAddr)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.node.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("--listen %s is in use by another program, perhaps another node: stop it, or write --listen :0 for any free port, or --no-engine for a broker alone", f.node.listen)
	}
	if err != nil {
		return fmt.Errorf("--listen %s: %w; write HOST:PORT, such as %s", f.node.listen, err, control.DefaultAddr)
	}
	return listener.Close()
}

// runNode runs the node until ctx ends. Without --data-dir it leaves nothing behind.
func (f *devFlags) runNode(ctx context.Context, w *world, addr string, t *talk) error {
	dir, err := filepath.Abs(filepath.Join(f.dataDir, "node"))
	if f.dataDir == "" {
		dir, err = os.MkdirTemp("", "pyudf-dev-")
		defer closeLogged(t.logger, func() error { return os.RemoveAll(dir) })
	}
	if err != nil {
		return err
	}
	f.node.stateDir = dir
	f.node.ready = func(n *clusterNode) error {
		if err := n.leaveURL("--engine-ready-file", f.engineReady); err != nil {
			return err
		}
		return w.print(advice(addr, n.server.URL()))
	}
	kafka, err := settings.Parse(settings.Given{Brokers: addr})
	if err != nil {
		return err
	}
	return f.node.run(ctx, w, kafka, t)
}

// greeting says what the broker is.
func greeting(addr, dataDir string) string {
	kept := "Everything is in memory and gone when it ends; --data-dir DIR keeps it."
	if dataDir != "" {
		kept = "Its data are kept in " + dataDir + "."
	}
	return fmt.Sprintf("A Kafka broker listens on %s. %s\n", addr, kept)
}

// advice says what to try next, with variables only where they are needed. Without a node its URL is empty.
func advice(addr, url string) string {
	var text strings.Builder
	try, ends := "pyudf run heat.py", "it"
	if url != "" {
		fmt.Fprintf(&text, "An engine node listens on %s.\n", url)
		try, ends = "pyudf deploy heat.ipynb", "both"
	}
	text.WriteString("\nTry next, in another terminal:\n")
	if addr != settings.DefaultBrokers {
		fmt.Fprintf(&text, "  export %s=%s\n", settings.BrokersEnv, addr)
	}
	if url != "" && url != control.DefaultURL {
		fmt.Fprintf(&text, "  export %s=%s\n", engineEnv, url)
	}
	fmt.Fprintf(&text, "  pyudf produce weather weather.csv --key station --time time\n  %s\n  pyudf tail heat\n\nCtrl-C ends %s.\n", try, ends)
	return text.String()
}

// writeReady writes text to what a flag names, so that whoever waits for the file never reads half of it.
func writeReady(flag, path, text string) error {
	partial, err := os.CreateTemp(filepath.Dir(path), ".ready-*")
	if err != nil {
		return fmt.Errorf("%s %s: %w", flag, path, cause(err))
	}
	_, err = partial.WriteString(text + "\n")
	if err = firstOf(err, partial.Close()); err == nil {
		err = os.Rename(partial.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", flag, path, firstOf(err, os.Remove(partial.Name())))
	}
	return nil
}

// firstOf returns the first error that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
