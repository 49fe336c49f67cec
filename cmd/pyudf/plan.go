package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/graph"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
	"github.com/pyudf/pyudf/engine/plan"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

type planFlags struct {
	code   codeFlags
	talk   talkFlags
	format string
	// stdin reads a plan as a message, for notebooks.
	stdin bool
	// singleNode shows the hops of a run with that flag.
	singleNode bool
}

func newPlan(w *world) *cobra.Command {
	var flags planFlags
	cmd := &cobra.Command{
		Use:     "plan APP.py | FILE:FUNCTION",
		Short:   "Show what a run would do, without a broker",
		GroupID: groupRun,
		Long: `plan shows the stages of an app: what the engine does itself, in Go, and which columns travel to which
Python function. It loads the app and checks it, and touches neither broker nor data.

` + targetHelp,
		Example: `  pyudf plan heat.py
  pyudf plan heat.py --format svg > heat.svg
  pyudf plan features.py:heat_index --from weather --to heat --column heat_index`,
		Args:              atMost(1),
		ValidArgsFunction: completeFiles(0, "py"),
		RunE:              func(cmd *cobra.Command, args []string) error { return flags.run(cmd.Context(), w, args) },
	}
	cmd.Flags().StringVar(&flags.format, "format", "text", "the `FORMAT`: "+strings.Join(graph.Formats(), ", "))
	cmd.Flags().BoolVar(&flags.singleNode, "single-node", false, "show what a run with --single-node would do")
	cmd.Flags().BoolVar(&flags.stdin, "stdin", false, "read the plan itself from stdin")
	if err := cmd.Flags().MarkHidden("stdin"); err != nil {
		panic(err) // it was added in the line before
	}
	flags.code.add(cmd)
	flags.talk.addLog(cmd)
	return cmd
}

func (f *planFlags) run(ctx context.Context, w *world, args []string) error {
	if f.stdin {
		return f.draw(w)
	}
	where, targetErr := target.Resolve(args, f.code.target)
	talk, talkErr := f.talk.open(w)
	formatErr := oneOf("--format", f.format, graph.Formats()...)
	if err := errors.Join(targetErr, talkErr, formatErr); err != nil {
		return outcome.Mendable(err)
	}
	ctx, release := w.interruptible(ctx, func() {})
	defer release()
	workers, err := f.code.open(ctx, where, 1, talk.logger)
	if err != nil {
		return err
	}
	proto := workers.said.GetPlan()
	workers.close()
	text, err := f.render(proto)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w.out, text)
	return err
}

// draw renders the plan that comes in.
func (f *planFlags) draw(w *world) error {
	data, err := io.ReadAll(w.in)
	if err != nil {
		return err
	}
	proto := &planv1.Plan{}
	if err := protobuf.Unmarshal(data, proto); err != nil {
		return outcome.Mendf("stdin holds no plan: %w", err)
	}
	text, err := f.render(proto)
	if err == nil {
		_, err = io.WriteString(w.out, text)
	}
	return err
}

func (f *planFlags) render(proto *planv1.Plan) (string, error) {
	compiled, err := plan.Compile(proto)
	if err != nil {
		return "", explainLoad(err)
	}
	shown := graph.New(proto, compiled)
	if f.singleNode {
		shown = graph.OfSingleNode(proto, compiled)
	}
	return shown.Render(f.format)
}
