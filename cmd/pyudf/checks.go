package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// check says what a version would lose of what the one before keeps.
func (n *clusterNode) check(_ context.Context, before, after *controlv1.Version) error {
	if before.GetPlan() == nil {
		return nil
	}
	was, err := plan.Compile(before.GetPlan())
	if err != nil {
		return fmt.Errorf("the plan of version %d: %w", before.GetNumber(), err)
	}
	is, err := plan.Compile(after.GetPlan())
	if err != nil {
		return explainLoad(err)
	}
	if err := plan.Compatible(was, is); err != nil {
		return control.Refused("%w", err)
	}
	return nil
}

// checkInputs refuses an app that no node could run: one of files, which only one machine has; one whose topics are not there;
// and one with a function whose parameters are in none of a topic's last records.
func (n *clusterNode) checkInputs(ctx context.Context, app *planv1.Plan, compiled *plan.Plan) error {
	var faults []error
	if _, files := destinations(app); len(files) > 0 {
		faults = append(faults, control.Refused("the app writes files (%s), which would lie on whichever node it runs: write to topics, or use `pyudf run`", strings.Join(files, ", ")))
	}
	for i, s := range app.GetSources() {
		if s.GetFile() != nil {
			faults = append(faults, control.Refused("the app reads the file %s, which nodes do not have: read a topic, or use `pyudf run`", s.GetFile().GetPath()))
			continue
		}
		name := s.GetTopic().GetName()
		info, err := n.cluster.Topic(ctx, name)
		if err != nil {
			faults = append(faults, explainTopic(err, name))
			continue
		}
		faults = append(faults, n.checkFields(ctx, name, info.Partitions, needed(compiled.Sources[i])))
	}
	return errors.Join(faults...)
}

// need is a field that a function cannot do without.
type need struct{ field, function, where string }

// needed returns what functions want of the records of a source, before they become others.
func needed(from *plan.Source) []need {
	var all []need
	want := func(call *plan.Call, made []string) {
		for _, arg := range call.Args {
			if !arg.Nullable && arg.Default == nil && slices.Contains(from.Scan, arg.Field) && !slices.Contains(made, arg.Field) {
				all = append(all, need{arg.Field, call.Function.Name, call.Function.At})
			}
		}
	}
	var walk func(steps []*plan.Step, made []string)
	walk = func(steps []*plan.Step, made []string) {
		for _, step := range steps {
			made := slices.Clone(made)
			for _, column := range step.Columns {
				if column.Call != nil {
					want(column.Call, made)
				}
				made = append(made, column.Name)
			}
			switch {
			case step.Map != nil:
				want(&step.Map.Call, made)
				continue
			case step.Stateful != nil:
				want(&step.Stateful.Call, made)
				if step.Stateful.Column == "" {
					continue
				}
				made = append(made, step.Stateful.Column)
			case step.Aggregate != nil:
				continue
			}
			walk(step.Next, made)
		}
	}
	walk(from.Steps, nil)
	return all
}

// sampled is how many of the last records of a partition are looked at.
const sampled = 25

// checkFields refuses functions whose fields none of the last records has.
func (n *clusterNode) checkFields(ctx context.Context, topic string, partitions int, needs []need) error {
	if len(needs) == 0 {
		return nil
	}
	seen, fields := 0, map[string]bool{}
	for i := range partitions {
		at := record.Partition{Topic: topic, Index: int32(i)} //nolint:gosec // few partitions
		low, end, err := n.cluster.Bounds(ctx, at)
		if err != nil || low == end {
			continue // there is nothing to look at
		}
		_, err = n.cluster.Read(ctx, at, max(low, end-sampled), func(_ int64, value []byte) error {
			var object map[string]json.RawMessage
			if json.Unmarshal(value, &object) == nil { // else a dead letter, when its time comes
				seen++
			}
			for field := range object {
				fields[field] = true
			}
			return nil
		})
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if seen == 0 {
		return nil
	}
	var faults []error
	for _, need := range needs {
		if !fields[need.field] {
			faults = append(faults, control.Refused("%s: %s needs the field %s, which none of the last %d records of %s has; they have %s: "+
				"rename the parameter, or give it a default", need.where, need.function, need.field, seen, topic, some(fields)))
		}
	}
	return errors.Join(faults...)
}

// some names a few fields.
func some(fields map[string]bool) string {
	names := slices.Sorted(maps.Keys(fields))
	if len(names) > 10 {
		names = append(names[:10], "...")
	}
	return strings.Join(names, ", ")
}
