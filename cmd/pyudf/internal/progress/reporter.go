package progress

import (
	"context"
	"log/slog"
	"time"
)

// View says how states are shown.
type View struct {
	// Line is for people, Attrs for programs.
	Line  func(State) string
	Attrs func(State) []slog.Attr
}

// Reporter shows how a run goes on. At most one of Screen and Logger is set; with none, nothing is shown.
type Reporter struct {
	View View
	// Read returns where the run stands.
	Read func() (Counts, error)
	// Screen is a terminal, Width its width or 0.
	Screen *Screen
	Width  func() int
	// Logger gets a line whenever something changed. Structured says whether programs read them.
	Logger     *slog.Logger
	Structured bool

	meter meter
	last  Counts
}

// Start begins the run.
func (r *Reporter) Start(now time.Time) { r.meter.add(now, Counts{Behind: -1}) }

// Follow shows the state at each tick until ctx ends. REQUIRES: Start was called.
func (r *Reporter) Follow(ctx context.Context, ticks <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticks:
			if err := r.show(ctx, now); err != nil {
				return err
			}
		}
	}
}

// Finish takes the line off the screen and returns the last state, whose rate is that of the whole run. REQUIRES: Follow
// is not running.
func (r *Reporter) Finish(now time.Time) (State, error) {
	if r.Screen != nil {
		if err := r.Screen.Show("", 0); err != nil {
			return State{}, err
		}
	}
	counts, err := r.Read()
	if err != nil {
		return State{}, err
	}
	state := r.meter.add(now, counts)
	state.Rate = PerSecond(counts.In, state.Elapsed)
	return state, nil
}

func (r *Reporter) show(ctx context.Context, now time.Time) error {
	counts, err := r.Read()
	if err != nil {
		return err
	}
	state := r.meter.add(now, counts)
	changed := counts != r.last
	r.last = counts
	switch {
	case r.Screen != nil:
		return r.Screen.Show(r.View.Line(state), r.Width())
	case r.Logger == nil || !changed:
	case r.Structured:
		r.Logger.LogAttrs(ctx, slog.LevelInfo, "progress", r.View.Attrs(state)...)
	default:
		r.Logger.InfoContext(ctx, r.View.Line(state)) //nolint:sloglint // the line is for people
	}
	return nil
}
