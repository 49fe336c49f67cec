package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pyudf/pyudf/engine/status"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// theater makes candidates that do as they are told, and writes down what happens to them.
type theater struct {
	mu     sync.Mutex // guards the rest
	events []string
	roles  map[string]*role
	actors []*actor
}

// role is how the candidates of an archive behave.
type role struct {
	// prepared is closed when it may be ready; nil: at once. deaf ignores that nobody wants it any more.
	prepared chan struct{}
	deaf     bool
	// unfit is why it cannot be prepared; fails why a run does not begin; mute runs never begin.
	unfit, fails error
	mute         bool
	// lives is how long a run lives, 0: until it is told to end.
	lives time.Duration
}

func newTheater() *theater { return &theater{roles: map[string]*role{}} }

func (h *theater) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, fmt.Sprintf(format, args...))
}

// told returns what has happened since it was asked last, when nothing moves.
func (h *theater) told() string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	told := strings.Join(h.events, ", ")
	h.events = nil
	return told
}

func (h *theater) plays(archive string, r role) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.roles[archive] = &r
}

func (h *theater) prepare(ctx context.Context, v *controlv1.Version) (Candidate, error) {
	h.mu.Lock()
	r := h.roles[v.GetArchive()]
	h.mu.Unlock()
	if r == nil {
		r = &role{}
	}
	h.note("prepare %s", v.GetArchive())
	if r.prepared != nil {
		gone := ctx.Done()
		if r.deaf {
			gone = nil
		}
		select {
		case <-r.prepared:
		case <-gone:
			return nil, ctx.Err()
		}
	}
	if r.unfit != nil {
		return nil, r.unfit
	}
	a := &actor{theater: h, name: v.GetArchive(), role: r}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.actors = append(h.actors, a)
	return a, nil
}

// faults returns what was done wrong to candidates that should be gone by now.
func (h *theater) faults() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var faults []error
	for _, a := range h.actors {
		if a.closed != 1 {
			faults = append(faults, fmt.Errorf("%s was closed %d times", a.name, a.closed))
		}
		faults = append(faults, a.faults...)
	}
	return errors.Join(faults...)
}

// actor is a candidate.
type actor struct {
	theater *theater
	name    string
	role    *role

	// The theater's mu guards what follows.
	running bool
	closed  int
	faults  []error
}

var _ Candidate = (*actor)(nil)

func (a *actor) Plan() *planv1.Plan { return &planv1.Plan{App: a.name} }

func (a *actor) Attached() string { return "" }

func (a *actor) Follows() error { return fmt.Errorf("%s follows", a.name) }

func (a *actor) Status() status.Run { return status.Run{App: a.name} }

func (a *actor) Run(ctx context.Context, begun func()) error {
	a.set(true)
	defer a.set(false)
	if a.role.fails != nil {
		a.theater.note("%s fails", a.name)
		return a.role.fails
	}
	if a.role.mute {
		a.theater.note("%s is mute", a.name)
	} else {
		a.theater.note("%s runs", a.name)
		begun()
	}
	var dies <-chan time.Time
	if a.role.lives > 0 {
		dies = time.After(a.role.lives)
	}
	select {
	case <-dies:
		a.theater.note("%s dies", a.name)
		return errors.New(a.name + " died")
	case <-ctx.Done():
		a.theater.note("%s ends (%v)", a.name, context.Cause(ctx))
		return nil
	}
}

func (a *actor) set(running bool) {
	a.theater.mu.Lock()
	defer a.theater.mu.Unlock()
	if running && (a.running || a.closed > 0) {
		a.faults = append(a.faults, fmt.Errorf("%s runs twice at once, or was closed", a.name))
	}
	a.running = running
}

func (a *actor) Close() {
	a.theater.mu.Lock()
	defer a.theater.mu.Unlock()
	if a.running {
		a.faults = append(a.faults, fmt.Errorf("%s was closed while it ran", a.name))
	}
	a.closed++
	a.theater.events = append(a.theater.events, a.name+" is closed")
}

func (a *actor) Leave() { a.theater.note("%s leaves", a.name) }

// version is one of a deployment, its archive named after what plays it.
func version(number uint32, archive string) *controlv1.Version {
	return &controlv1.Version{Number: number, Archive: archive, Content: archive}
}

// wanting is a deployment whose last version is to run.
func wanting(revision uint64, versions ...*controlv1.Version) *controlv1.Deployment {
	return &controlv1.Deployment{Name: "heat", Revision: revision, Current: versions[len(versions)-1].GetNumber(), Versions: versions}
}

// play is a keeper at work in a theater.
type play struct {
	*theater

	keeper *keeper
	stop   context.CancelFunc
	ended  chan struct{}

	told struct {
		sync.Mutex

		standing *controlv1.Standing
	}
}

// keeping runs a test with a keeper and a clock of its own, and fails if something is left of it.
func keeping(t *testing.T, test func(t *testing.T, p *play)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		p := &play{theater: newTheater(), keeper: newKeeper("heat"), ended: make(chan struct{})}
		p.keeper.logger = slog.New(slog.DiscardHandler)
		p.keeper.hold = func(Candidate) {}
		p.keeper.prepare = func(ctx context.Context, v *controlv1.Version, _ func(string)) (Candidate, error) {
			return p.prepare(ctx, v)
		}
		p.keeper.tell = func(s *controlv1.Standing) {
			p.told.Lock()
			defer p.told.Unlock()
			p.told.standing = s
		}
		ctx, stop := context.WithCancel(t.Context())
		p.stop = stop
		go func() { defer close(p.ended); p.keeper.run(ctx) }()
		test(t, p)
		stop()
		<-p.ended
		synctest.Wait()
		if err := p.faults(); err != nil {
			t.Error(err)
		}
	})
}

// sees fails unless this has happened since the last time, and the standing is that.
func (p *play) sees(t *testing.T, events, standing string) {
	t.Helper()
	if got := p.theater.told(); got != events {
		t.Errorf("happened: %s\nwant:     %s", got, events)
	}
	p.told.Lock()
	defer p.told.Unlock()
	s := p.told.standing
	got := strings.TrimSpace(fmt.Sprintf("%s of %d, version %d: %s", strings.TrimPrefix(s.GetPhase().String(), "PHASE_"), s.GetRevision(), s.GetVersion(), s.GetMessage()))
	if strings.TrimSuffix(got, ":") != standing {
		t.Errorf("stands: %s\nwant:   %s", got, standing)
	}
}

// pairs of versions that tests share.
func first() *controlv1.Version { return version(1, "A") }

func second() *controlv1.Version { return version(2, "B") }

// pass lets time pass on a test's own clock.
func pass(d time.Duration) { <-time.After(d) }
