package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/fleet"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// teller says what goes on while a node makes a change: each step in its line, on a terminal in place.
type teller struct {
	world  *world
	screen *progress.Screen
	quiet  bool
}

func newTeller(w *world, quiet bool) *teller {
	t := &teller{world: w, quiet: quiet}
	if _, terminal := w.terminal(); terminal && !quiet {
		t.screen = progress.NewScreen(w.err)
	}
	return t
}

// line says something that stays.
func (t *teller) line(text string) {
	if !t.quiet {
		t.world.say("%s", text)
	}
}

// step says what goes on now.
func (t *teller) step(text string) {
	if t.screen == nil {
		t.line(text)
		return
	}
	width, _ := t.world.terminal()
	_ = t.screen.Show(fleet.Plain(text), width) // that nobody reads it is no reason to fail
}

// end takes the last step off the screen.
func (t *teller) end() {
	if t.screen != nil {
		_ = t.screen.Show("", 0) // as above
	}
}

// changedJSON is how a change came out, for programs.
type changedJSON struct {
	Deployment fleet.Deployment `json:"deployment"`
	Unchanged  bool             `json:"unchanged"`
	RollbackOf uint32           `json:"rollback_of,omitempty"`
	Pause      int64            `json:"pause_ms"`
}

// done says how a change came out.
func (r *remote) done(done *controlv1.Deployed) error {
	d := fleet.New(done.GetDeployment(), done.GetNodes())
	came := changedJSON{d, done.GetUnchanged(), rollbackOf(done.GetDeployment()), d.Pause().Milliseconds()}
	return r.show(came, "%s", cameOut(d, done))
}

// cameOut says how a change came out, for people.
func cameOut(d fleet.Deployment, done *controlv1.Deployed) string {
	name := fmt.Sprintf("%s %d", d.Name, d.Version)
	switch {
	case done.GetUnchanged() && d.State == fleet.Stopped:
		return fmt.Sprintf("%s is that bundle already, and stopped: `pyudf start %s` goes on with it", name, d.Name)
	case done.GetUnchanged() && len(d.Running()) == len(d.Nodes):
		return name + " runs already: nothing to do"
	case d.State == fleet.Stopped:
		return fmt.Sprintf("%s is there, and stopped: `pyudf start %s` goes on with it", name, d.Name)
	}
	var text strings.Builder
	if nodes := d.Running(); len(nodes) > 0 {
		fmt.Fprintf(&text, "%s runs on %s", name, list(nodes))
	} else {
		fmt.Fprintf(&text, "%s is there; no node runs it yet", name)
	}
	if of := rollbackOf(done.GetDeployment()); of != 0 {
		fmt.Fprintf(&text, ", as a rollback to %d", of)
	}
	if pause := d.Pause(); pause > 0 {
		fmt.Fprintf(&text, "; the change kept results back for %s", pause)
	}
	for _, s := range d.Nodes {
		if s.Phase != fleet.Running || s.Version != d.Version {
			fmt.Fprintf(&text, "\n%s: %s", s.Node, strings.TrimSpace(string(s.Phase)+" "+s.Message))
		}
	}
	return text.String()
}

func rollbackOf(d *controlv1.Deployment) uint32 {
	for _, v := range d.GetVersions() {
		if v.GetNumber() == d.GetCurrent() {
			return v.GetRollbackOf()
		}
	}
	return 0
}

// list writes a, b and c.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// undone says of a change that did not come out what runs now.
func (r *remote) undone(ctx context.Context, name string, err error) error {
	look := "`pyudf list`"
	if name != "" {
		look = "`pyudf history " + name + "`"
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("stopped waiting: " + look + " shows whether the node went through with it")
	case !control.IsAnswer(err):
		return fmt.Errorf("%w\nwhether the node went through with it is not known: %s shows it once a node answers", err, look)
	case name == "":
		return err
	}
	known, listErr := r.client.List(ctx)
	if listErr != nil {
		return err
	}
	before := fleet.Find(known.GetDeployments(), name)
	switch {
	case before == nil:
		return fmt.Errorf("%w\n%s is not deployed: nothing has changed", err, name)
	case before.GetStopped():
		return fmt.Errorf("%w\n%s %d stays, and stopped", err, name, before.GetCurrent())
	default:
		return fmt.Errorf("%w\n%s %d goes on", err, name, before.GetCurrent())
	}
}
