package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

type deployFlags struct {
	remote   remoteFlags
	bundle   bundleFlags
	settings settingFlags
	name     string
	reset    bool
	quiet    bool
}

// settingFlags say how a version is run. What is not given has the default of `pyudf run`.
type settingFlags struct {
	terms
	start    string
	secrets  []string
	function target.Flags
}

func newDeploy(w *world) *cobra.Command {
	var flags deployFlags
	cmd := &cobra.Command{
		Use:     "deploy TARGET",
		Short:   "Run an app on the nodes of a cluster, or a new version of it",
		GroupID: groupShip,
		Long: `deploy puts what the app needs into a bundle, as ` + "`pyudf bundle build`" + ` does, and hands it to a node. The node
builds its environment, starts workers and checks the app against its topics and its state. Only if it comes up
there does it become the version that runs, on all nodes; the stream does not stop meanwhile. Else the command
says why, and what ran before goes on. The same bundle with the same settings again changes nothing.

` + bundleTargetHelp + ` A bundle, FILE.pyudf, goes as it is. A single function without a decorator goes as
FILE:FUNCTION with --from and --to.

` + engineHelp,
		Example: `  pyudf deploy heat.ipynb
  pyudf deploy heat.py --name heat-trial --start latest
  pyudf deploy heat-3f9a1c22b07d.pyudf --engine https://engine-1:9191 --token-file ann.token
  pyudf deploy heat.py --secret API_KEY=env:WEATHER_KEY --secret DB_PASSWORD=file:/run/secrets/db`,
		Args:              exactly(1),
		ValidArgsFunction: completeFiles(0, "ipynb", "py", "pyudf"),
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, args[0]) },
	}
	cmd.Flags().StringVar(&flags.name, "name", "", "the `NAME` of the deployment, which is its consumer group (default the app's name)")
	flags.settings.add(cmd)
	cmd.Flags().BoolVar(&flags.reset, "reset-state", false, "begin with empty windows and state, where the new version cannot go on with those of the one before")
	cmd.Flags().BoolVarP(&flags.quiet, "quiet", "q", false, "do not say what goes on")
	flags.bundle.addBuild(cmd)
	flags.remote.add(cmd)
	return cmd
}

func (f *settingFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.start, "start", "", "`WHERE` a new deployment begins: earliest (the default), latest or a time such as 2013-07-01T12:00:00Z")
	cmd.Flags().IntVar(&f.workers, "workers", 0, "the number `N` of Python processes on each node (default 1)")
	cmd.Flags().StringVar(&f.guarantee, "guarantee", "", "`WHAT` a crash may do to results: exactly-once (nothing, the default) or at-least-once (some come twice)")
	cmd.Flags().DurationVar(&f.commitInterval, "commit-interval", 0, "the `TIME` between commits, such as 500ms (default 1s)")
	cmd.Flags().StringArrayVar(&f.secrets, "secret", nil, "an environment variable of the workers, as `NAME=env:VARIABLE` or NAME=file:PATH, which every node looks up itself; may be repeated")
	cmd.Flags().StringVar(&f.function.From, "from", "", "for FILE:FUNCTION the `INPUT` topic")
	cmd.Flags().StringVar(&f.function.To, "to", "", "for FILE:FUNCTION the `TOPIC` that it writes")
	cmd.Flags().StringVar(&f.function.Column, "column", "", "for FILE:FUNCTION the `FIELD` that the result becomes")
	cmd.Flags().StringVar(&f.function.Key, "key", "", "for FILE:FUNCTION the `FIELD` that the input is keyed by")
	cmd.Flags().StringVar(&f.function.Time, "time", "", "for FILE:FUNCTION the `FIELD` with the event time")
}

// parse returns the settings, or all faults of the flags.
func (f *settingFlags) parse() (*controlv1.Settings, error) {
	faults := f.orUsual().check()
	if 0 < f.commitInterval && f.commitInterval < time.Millisecond {
		faults = append(faults, fmt.Errorf("--commit-interval %s: write a time such as 5s", f.commitInterval))
	}
	start, err := f.begin()
	secrets, secretsErr := parseSecrets(f.secrets)
	return &controlv1.Settings{
		Workers:   uint32(max(0, f.workers)),
		Guarantee: f.guarantee, CommitIntervalMs: f.commitInterval.Milliseconds(), Start: start, Secrets: secrets,
		Function: f.single(),
	}, errors.Join(append(faults, err, secretsErr)...)
}

// begin returns --start as nodes take it.
func (f *settingFlags) begin() (string, error) {
	t, err := target.Resolve([]string{"app"}, target.Flags{Start: f.start})
	switch {
	case err != nil || f.start == "":
		return "", err
	case t.Start.Kind == target.At:
		return t.Start.Time.Format(time.RFC3339Nano), nil
	case t.Start.Kind == target.Latest:
		return "latest", nil
	default:
		return "earliest", nil
	}
}

// single returns what a single function reads and writes; nil if nothing was said.
func (f *settingFlags) single() *controlv1.Function {
	if f.function == (target.Flags{}) {
		return nil
	}
	return &controlv1.Function{From: f.function.From, To: f.function.To, Column: f.function.Column, Key: f.function.Key, Time: f.function.Time}
}

// variable is the name of an environment variable.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parseSecrets reads references. Its error has the names only: what stands where a reference should be may be the secret.
func parseSecrets(pairs []string) (map[string]string, error) {
	secrets := map[string]string{}
	var faults []error
	for _, pair := range pairs {
		name, reference, found := strings.Cut(pair, "=")
		kind, place, _ := strings.Cut(reference, ":")
		switch {
		case !found:
			faults = append(faults, errors.New("--secret: there is no '=': write NAME=env:VARIABLE or NAME=file:PATH"))
		case !variable.MatchString(name):
			faults = append(faults, fmt.Errorf("--secret %q: that is no name of an environment variable", name))
		case (kind != "env" && kind != "file") || place == "":
			faults = append(faults, fmt.Errorf("--secret %s: secrets go by reference, so that they are stored nowhere: write %s=env:VARIABLE or %s=file:PATH, and have each node know it", name, name, name))
		case kind == "env" && !variable.MatchString(place):
			faults = append(faults, fmt.Errorf("--secret %s: what follows env: is no name of an environment variable", name))
		case kind == "file" && !strings.HasPrefix(place, "/"):
			faults = append(faults, fmt.Errorf("--secret %s: what follows file: has to be a whole path, such as /run/secrets/db, as nodes have other directories", name))
		default:
			secrets[name] = reference
		}
	}
	return secrets, errors.Join(faults...)
}

func (f *deployFlags) run(ctx context.Context, w *world, named string) error {
	settings, err := f.settings.parse()
	if err != nil {
		return outcome.Mendable(err)
	}
	return f.remote.with(ctx, w, func(ctx context.Context, r *remote) error {
		if _, err := r.client.Node(ctx); err != nil { // before time goes into a bundle
			return err
		}
		packed, err := f.bundle.pack(ctx, named)
		if err != nil {
			return err
		}
		if err := packed.fits(named, settings.GetFunction()); err != nil {
			return outcome.Mendable(err)
		}
		tell := newTeller(w, f.quiet)
		for _, line := range packed.summary(named) {
			tell.line(line)
		}
		name := f.name
		if name == "" {
			name = packed.name()
		}
		done, err := r.client.Deploy(ctx, &controlv1.DeployRequest{Name: f.name, Bundle: packed.archive, Settings: settings, ResetState: f.reset}, tell.step)
		tell.end()
		if err != nil {
			return r.undone(ctx, name, err)
		}
		return r.done(done)
	})
}
