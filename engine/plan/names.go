package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pyudf/pyudf/engine/window"
)

// name gives stages, and what steps keep, names that steps which keep nothing do not change: a version of the app that has
// more or fewer of those finds everything again. Those that would have the same name are counted in the order of the app.
func (c *compiler) name() {
	taken := map[string]bool{}
	for _, s := range c.plan.Sources {
		if s.Hop == nil {
			taken[s.Slug()] = true
		}
	}
	for _, s := range c.plan.Sources { // those behind hops stand behind those that feed them
		kept := map[string]bool{}
		walk(s.Steps, func(step *Step) {
			switch {
			case step.KeyBy != nil && step.KeyBy.Hop != nil:
				step.KeyBy.Hop.Stage.Name = unique(taken, stageName(s.Slug(), step.KeyBy.Key.names()))
			case step.Keeps():
				step.State = unique(kept, stateName(step))
			}
		})
	}
}

// walk visits steps, each before those behind it.
func walk(steps []*Step, visit func(*Step)) {
	for _, step := range steps {
		visit(step)
		walk(step.Next, visit)
	}
}

// unique returns a name, with a number behind it if it is taken.
func unique(taken map[string]bool, name string) string {
	out := name
	for n := 2; taken[out]; n++ {
		out = name + "." + strconv.Itoa(n)
	}
	taken[out] = true
	return out
}

// longestStage leaves room for a group before, and for what stands behind, in a name of at most 249 characters.
const longestStage = 100

// stageName names a stage by what feeds it and the key that it has.
func stageName(feeder string, fields []string) string {
	key := strings.Join(fields, "-")
	plain := regexp.MustCompile(`^[a-zA-Z0-9_]+(-[a-zA-Z0-9_]+)*$`).MatchString(key) && strings.Count(key, "-") == len(fields)-1
	if !plain {
		key = regexp.MustCompile(`[^a-zA-Z0-9_-]`).ReplaceAllString(key, "_") + "-" + digest(strings.Join(fields, "\x00"))
	}
	name := feeder + ".by-" + key
	if len(name) > longestStage {
		name = name[:longestStage-9] + "-" + digest(name)
	}
	return name
}

// stateName names what a step keeps by what it is.
func stateName(s *Step) string {
	if s.Stateful != nil {
		return "state-" + digest(s.Shape())
	}
	return "window-" + digest(s.Shape())
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// Keeps tells whether the step keeps something for each key: windows, or states and timers.
func (s *Step) Keeps() bool { return s.Aggregate != nil || s.Stateful != nil }

// Shape says what a step keeps, in words that change if it cannot be read as that of another. REQUIRES: it keeps something.
func (s *Step) Shape() string {
	if s.Stateful != nil {
		return s.Stateful.shape()
	}
	return s.Aggregate.shape()
}

// shape says what is kept for a key, in words that change with it.
func (s *Stateful) shape() string {
	var kept []string
	for _, state := range s.Call.Function.States {
		kept = append(kept, "state "+state.Name+" as "+state.Format)
	}
	for _, timer := range s.Call.Function.Timers {
		kept = append(kept, "timer "+timer.Name)
	}
	return fmt.Sprintf("%s of %s by %s", strings.Join(kept, ", "), s.Call.Function.Name, s.Key.String())
}

func (a *Aggregate) shape() string {
	var columns []string
	for i := range a.Columns {
		columns = append(columns, a.Columns[i].shape())
	}
	return fmt.Sprintf("%s of %s by %s", a.windows(), strings.Join(columns, ", "), a.Key.String())
}

// windows says which windows there are, and how long.
func (a *Aggregate) windows() string {
	words := a.Window.String()
	if a.GapBy != "" {
		words += fmt.Sprintf(", each record's own in %q", a.GapBy)
	}
	if a.Custom != nil {
		words += " of " + a.Custom.Assign.Function.Name
	}
	if a.Window.Grace > 0 {
		words += " with a grace of " + window.Duration(a.Window.Grace)
	}
	return words
}

// shape says what is kept for the aggregate.
func (c *AggregateColumn) shape() string {
	if c.Call != nil {
		return c.Call.rows()
	}
	var args []string
	switch {
	case c.Field != "":
		args = append(args, fmt.Sprintf("%q as %s", c.Field, c.Spec.Argument))
	case c.Text != "":
		args = append(args, fmt.Sprintf("%s as %s", c.Text, c.Spec.Argument))
	}
	if c.Spec.Quantile != 0 {
		args = append(args, fmt.Sprintf("q=%g", c.Spec.Quantile))
	}
	if c.Spec.Limit != 0 {
		args = append(args, fmt.Sprintf("limit=%d", c.Spec.Limit))
	}
	op := strings.ToLower(strings.TrimPrefix(c.Spec.Op.String(), "AGGREGATE_OP_"))
	return op + "(" + strings.Join(args, ", ") + ")"
}

// rows says which rows of a window are kept for a function.
func (c *Call) rows() string {
	if !c.Function.Columns {
		return "records for " + c.Function.Name
	}
	var args []string
	for i := range c.Args {
		args = append(args, fmt.Sprintf("%s (%s)", c.Args[i].Param, c.Args[i].Type))
	}
	return fmt.Sprintf("rows of %s for %s", strings.Join(args, ", "), c.Function.Name)
}
