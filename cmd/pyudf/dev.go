package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/settings"
	"github.com/pyudf/pyudf/engine/embedded"
)

type devFlags struct {
	talk       talkFlags
	addr       string
	dataDir    string
	readyFile  string
	partitions int
}

func newDev(w *world) *cobra.Command {
	var flags devFlags
	cmd := &cobra.Command{
		Use:     "dev",
		Short:   "Start a broker on this machine, to try things with",
		GroupID: groupTry,
		Long: `dev starts a Kafka broker inside this program: nothing to install, nothing to configure. It serves this
machine until Ctrl-C. Topics come into being when they are first used and keep their records without limit
of time. Without --data-dir everything is gone when it ends. It is no broker for production.`,
		Example: `  pyudf dev
  pyudf dev --data-dir ./data            # topics, records and positions are there again next time
  pyudf dev --addr :0 --ready-file addr  # any free port; the file says which, once it listens`,
		Args:              exactly(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return flags.run(cmd.Context(), w) },
	}
	cmd.Flags().StringVar(&flags.addr, "addr", settings.DefaultBrokers, "`HOST:PORT` to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&flags.dataDir, "data-dir", "", "the `DIRECTORY` that keeps the data; without it they are in memory")
	cmd.Flags().StringVar(&flags.readyFile, "ready-file", "", "`FILE` to write host:port to once the broker listens; removed at the end")
	cmd.Flags().IntVar(&flags.partitions, "partitions", defaultPartitions, "the number `N` of partitions of a topic at its first use")
	flags.talk.addLog(cmd)
	return cmd
}

func (f *devFlags) run(ctx context.Context, w *world) error {
	talk, err := f.talk.open(w)
	if err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := w.interruptible(ctx, func() { w.say("stopping the broker; press Ctrl-C again to stop at once") })
	defer release()
	broker, err := embedded.Start(embedded.Config{Addr: f.addr, DataDir: f.dataDir, Partitions: f.partitions, Logger: talk.logger}) //nolint:contextcheck // listening takes no time
	if err != nil {
		return outcome.Mendable(err)
	}
	if err := f.announce(w, broker.Addr()); err != nil {
		return outcome.Mendable(firstOf(err, broker.Close()))
	}
	<-ctx.Done()
	if f.readyFile != "" {
		if err := os.Remove(f.readyFile); err != nil {
			return firstOf(broker.Close(), fmt.Errorf("removing the ready file: %w", err))
		}
	}
	return broker.Close()
}

func (f *devFlags) announce(w *world, addr string) error {
	if f.readyFile != "" {
		if err := writeReady(f.readyFile, addr); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(w.out, welcome(addr, f.dataDir))
	return err
}

// welcome says what the broker is and what to try next, with flags only where they are needed.
func welcome(addr, dataDir string) string {
	kept := "Everything is in memory and gone when it ends; --data-dir DIR keeps it."
	if dataDir != "" {
		kept = "Its data are kept in " + dataDir + "."
	}
	brokers := ""
	if addr != settings.DefaultBrokers {
		brokers = "\n  export " + settings.BrokersEnv + "=" + addr
	}
	return fmt.Sprintf(`A Kafka broker listens on %s. %s

Try next, in another terminal:%s
  pyudf produce weather weather.csv --key station --time time
  pyudf run heat.py
  pyudf tail heat

Ctrl-C ends it.
`, addr, kept, brokers)
}

// writeReady writes addr so that whoever waits for the file never reads half of it.
func writeReady(path, addr string) error {
	partial, err := os.CreateTemp(filepath.Dir(path), ".ready-*")
	if err != nil {
		return fmt.Errorf("--ready-file %s: %w", path, cause(err))
	}
	_, err = partial.WriteString(addr + "\n")
	if err = firstOf(err, partial.Close()); err == nil {
		err = os.Rename(partial.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("--ready-file %s: %w", path, firstOf(err, os.Remove(partial.Name())))
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
