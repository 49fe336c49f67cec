package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

// The environment variables that say which node to ask, and as whom.
const (
	engineEnv = "PYUDF_ENGINE"
	tokenEnv  = "PYUDF_TOKEN"
	caEnv     = "PYUDF_CA"
)

// noEngine is what --engine takes to ask no node.
const noEngine = "none"

const engineHelp = `Any node of the cluster can be asked: the one at --engine, else at $PYUDF_ENGINE, else on this machine.`

// engineFlags say which node to ask, and as whom.
type engineFlags struct {
	url       string
	tokenFile string
	ca        string
	cert, key string
}

func (f *engineFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.url, "engine", "", "the `URL` of a node (default $"+engineEnv+", else "+control.DefaultURL+")")
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "a `FILE` with the token for the node (default the token in $"+tokenEnv+")")
	cmd.Flags().StringVar(&f.ca, "ca", "", "a PEM `FILE` with the authority of the node's certificate (default $"+caEnv+", else those of the machine)")
	cmd.Flags().StringVar(&f.cert, "client-cert", "", "a PEM `FILE` with the certificate to show to nodes that ask for one")
	cmd.Flags().StringVar(&f.key, "client-key", "", "the PEM `FILE` with its key")
}

// named returns the node that the user named; empty: none.
func (f *engineFlags) named(w *world) string {
	if f.url != "" {
		return f.url
	}
	return w.getenv(engineEnv)
}

// dial returns a client of the node. The caller closes it.
func (f *engineFlags) dial(w *world) (*control.Client, error) {
	config := control.ClientConfig{URL: f.named(w), Token: w.getenv(tokenEnv), CA: f.ca, Cert: f.cert, Key: f.key, Version: version}
	if config.URL == noEngine {
		return nil, outcome.Mendf("--engine %s names no node: write its URL, such as %s", noEngine, control.DefaultURL)
	}
	if config.CA == "" {
		config.CA = w.getenv(caEnv)
	}
	if f.tokenFile != "" {
		text, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, outcome.Mendf("--token-file %s: %w", f.tokenFile, cause(err))
		}
		config.Token = strings.TrimSpace(string(text))
	}
	return control.Dial(config)
}

// remote is a command at work on a node.
type remote struct {
	world  *world
	client *control.Client
	json   bool
}

// remoteFlags are those of all commands that ask a node.
type remoteFlags struct {
	engine engineFlags
	output string
}

func (f *remoteFlags) add(cmd *cobra.Command) {
	f.addOutput(cmd)
	f.engine.add(cmd)
}

func (f *remoteFlags) addOutput(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.output, "output", "text", "the `FORMAT`: text or json")
}

// with runs a command until it is done, or until Ctrl-C.
func (f *remoteFlags) with(ctx context.Context, w *world, do func(ctx context.Context, r *remote) error) error {
	if err := oneOf("--output", f.output, "text", "json"); err != nil {
		return outcome.Mendable(err)
	}
	client, err := f.engine.dial(w)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, release := w.interruptible(ctx, func() {})
	defer release()
	return do(ctx, &remote{world: w, client: client, json: f.output == "json"})
}

// show writes a value as JSON, or a line for people.
func (r *remote) show(value any, format string, args ...any) error {
	if r.json {
		return json.NewEncoder(r.world.out).Encode(value)
	}
	_, err := fmt.Fprintf(r.world.out, format+"\n", args...)
	return err
}

// completeDeployments completes the first argument by the names of deployments, if a node answers at once.
func completeDeployments(w *world, flags *engineFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return deploymentNames(cmd.Context(), w, flags), cobra.ShellCompDirectiveNoFileComp
	}
}

func deploymentNames(ctx context.Context, w *world, flags *engineFlags) []string {
	client, err := flags.dial(w)
	if err != nil {
		return nil
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	list, err := client.List(ctx)
	if err != nil {
		return nil
	}
	var names []string
	for _, d := range list.GetDeployments() {
		names = append(names, d.GetName())
	}
	return names
}
