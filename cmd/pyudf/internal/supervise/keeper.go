package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// keeper looks after one deployment, in one goroutine.
type keeper struct {
	name    string
	prepare func(ctx context.Context, v *controlv1.Version, progress func(string)) (Candidate, error)
	// tell is given how the deployment stands; hold what runs, nil if nothing does.
	tell   func(*controlv1.Standing)
	hold   func(Candidate)
	logger *slog.Logger

	// wanted has the last that was heard of the deployment, nil if it is gone.
	wanted chan *controlv1.Deployment

	want *controlv1.Deployment
	// last is what was wanted before the deployment was gone.
	last     *controlv1.Deployment
	gone     bool
	runs     *running
	standing *controlv1.Standing
	// failed is the revision that did not come up, which is tried again at notBefore, after pause.
	failed    uint64
	notBefore time.Time
	pause     time.Duration
}

// running is a version at work.
type running struct {
	version   *controlv1.Version
	candidate Candidate
	began     time.Time
	stop      context.CancelCauseFunc
	begun     chan struct{}
	// ended gets the error that the run ended with, once.
	ended chan error
}

func newKeeper(name string) *keeper {
	return &keeper{name: name, wanted: make(chan *controlv1.Deployment, 1), standing: &controlv1.Standing{Deployment: name}}
}

// hear gives the keeper what is wanted now; what it has not taken yet is out of date. Called by one goroutine.
func (k *keeper) hear(d *controlv1.Deployment) {
	select {
	case <-k.wanted:
	default:
	}
	k.wanted <- d
}

// run looks after the deployment until it is gone, or ctx ends; then what runs finishes what it has and leaves its groups.
func (k *keeper) run(ctx context.Context) {
	defer k.halt()
	for ctx.Err() == nil {
		switch decide(k.want, k.having()) {
		case leave:
			return
		case halt:
			k.halt()
		case advance:
			k.advance(ctx)
		case wait:
			k.rest()
			k.wait(ctx)
		}
	}
}

// rest says how the deployment stands where what is wanted is so already.
func (k *keeper) rest() {
	switch {
	case k.want.GetStopped():
		k.say(controlv1.Phase_PHASE_STOPPED, "")
	case k.runs != nil && same(k.runs.version, current(k.want)):
		k.say(controlv1.Phase_PHASE_RUNNING, "")
	}
}

func (k *keeper) having() having {
	have := having{gone: k.gone, failed: k.failed, notBefore: k.notBefore, now: time.Now()}
	if k.runs != nil {
		have.runs = k.runs.version
	}
	return have
}

// wait returns when there may be something to do.
func (k *keeper) wait(ctx context.Context) {
	var due <-chan time.Time
	if k.failed != 0 && k.failed == k.want.GetRevision() {
		timer := time.NewTimer(time.Until(k.notBefore))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case d := <-k.wanted:
		k.take(d)
	case err := <-k.ended():
		k.lost(err)
	case <-due:
	}
}

// ended gets the error that the run ends with, and never anything if there is none.
func (k *keeper) ended() <-chan error {
	if k.runs == nil {
		return nil
	}
	return k.runs.ended
}

func (k *keeper) take(d *controlv1.Deployment) {
	if d.GetRevision() != k.want.GetRevision() {
		k.failed, k.pause = 0, 0
	}
	k.want, k.gone = d, d == nil
	if d != nil {
		k.last = d
	}
}

// advance makes the wanted version ready while the one before runs, and lets it take over.
func (k *keeper) advance(ctx context.Context) {
	version := current(k.want)
	if version == nil {
		k.fail(fmt.Errorf("version %d of %s is not in the cluster's topic: deploy it again", k.want.GetCurrent(), k.name))
		return
	}
	k.say(controlv1.Phase_PHASE_PREPARING, "")
	candidate, err := k.ready(ctx, version)
	switch {
	case errors.Is(err, errOvertaken):
		return
	case err == nil && ctx.Err() != nil:
		candidate.Close()
		return
	case ctx.Err() != nil:
		return
	case err != nil:
		k.fail(err)
		return
	}
	k.replace(ctx, version, candidate)
}

// replace lets a version take over from the one that runs, if one does. The pause after a version that did not stay is not
// forgotten: it grows until one has stayed.
func (k *keeper) replace(ctx context.Context, version *controlv1.Version, candidate Candidate) {
	began, old := time.Now(), k.runs
	if old != nil {
		k.end(succession(old.version, version, candidate))
	}
	if err := k.start(ctx, version, candidate); err != nil {
		candidate.Close()
		if !errors.Is(err, errOvertaken) {
			k.fail(err)
		}
		k.goBack(ctx, old)
		return
	}
	k.standing.PauseMs = 0
	if old != nil {
		old.candidate.Close()
		k.standing.PauseMs = time.Since(began).Milliseconds()
	}
	if ctx.Err() != nil {
		return
	}
	k.failed = 0
	k.logger.Info("a version runs", "version", version.GetNumber(), "pause_ms", k.standing.GetPauseMs())
	k.say(controlv1.Phase_PHASE_RUNNING, "")
}

// succession is the cause that ends a run for the next one. Where that begins with other state it is another member of the
// groups, so the run before has to leave them.
func succession(old, next *controlv1.Version, candidate Candidate) error {
	if old.GetStateEpoch() != next.GetStateEpoch() {
		return context.Canceled
	}
	return candidate.Follows()
}

var errOvertaken = errors.New("something else is wanted now")

// ready makes a version ready, unless something else is wanted meanwhile.
func (k *keeper) ready(ctx context.Context, version *controlv1.Version) (Candidate, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type made struct {
		Candidate
		err error
	}
	done := make(chan made, 1)
	go func() {
		candidate, err := k.prepare(ctx, version, func(line string) { k.logger.Info("getting ready", "version", version.GetNumber(), "step", line) })
		done <- made{candidate, err}
	}()
	for {
		select {
		case m := <-done:
			return m.Candidate, m.err
		case err := <-k.ended():
			k.logger.Error("the version before ended while another one is made ready", "version", k.runs.version.GetNumber(), "cause", err)
			k.drop()
			k.say(controlv1.Phase_PHASE_PREPARING, "")
		case d := <-k.wanted:
			again := d.GetRevision() == k.want.GetRevision()
			k.take(d)
			if again {
				continue
			}
			cancel()
			if late := <-done; late.err == nil {
				late.Close()
			}
			return nil, errOvertaken
		}
	}
}

// start runs a candidate, and returns when it has begun, or why it did not. If another version is wanted meanwhile it is ended.
func (k *keeper) start(ctx context.Context, version *controlv1.Version, candidate Candidate) error {
	working, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	r := &running{version: version, candidate: candidate, stop: stop, begun: make(chan struct{}), ended: make(chan error, 1)}
	begun := sync.OnceFunc(func() { close(r.begun) })
	go func() { r.ended <- candidate.Run(working, begun) }()
	for waiting := true; waiting; {
		select {
		case <-r.begun:
			waiting = false
		case err := <-r.ended:
			stop(nil)
			if err == nil {
				err = errors.New("it ended before it had begun")
			}
			return err
		case d := <-k.wanted:
			k.take(d)
			if d.GetStopped() || !same(version, current(d)) {
				stop(nil)
				if err := <-r.ended; err != nil {
					k.logger.Warn("a version that was given up did not end cleanly", "version", version.GetNumber(), "cause", err)
				}
				return errOvertaken
			}
		case <-ctx.Done(): // whoever ends the keeper ends it
			waiting = false
		}
	}
	r.began = time.Now()
	k.runs = r
	k.hold(candidate)
	return nil
}

// end ends what runs, and waits for it.
func (k *keeper) end(cause error) {
	k.runs.stop(cause)
	if err := <-k.runs.ended; err != nil {
		k.logger.Warn("a version did not end cleanly: what it had not committed is done again", "version", k.runs.version.GetNumber(), "cause", err)
	}
	k.hold(nil)
	k.runs = nil
}

// halt ends what runs for good.
func (k *keeper) halt() {
	if k.runs == nil {
		return
	}
	ended := k.runs
	k.end(context.Canceled)
	ended.candidate.Close()
	k.logger.Info("a version has stopped", "version", ended.version.GetNumber())
}

// abandon frees a version that ended for another one and does not go on, though that one did not come up.
func (r *running) abandon() {
	r.candidate.Close()
	r.candidate.Leave()
}

// goBack runs the version before again.
func (k *keeper) goBack(ctx context.Context, old *running) {
	if old == nil {
		return
	}
	if k.gone || k.want.GetStopped() {
		old.abandon()
		return
	}
	if err := k.start(ctx, old.version, old.candidate); err != nil {
		if !errors.Is(err, errOvertaken) {
			k.logger.Error("the version before does not come up again either", "version", old.version.GetNumber(), "cause", err)
		}
		old.abandon()
		return
	}
	if k.failed != 0 && k.failed == k.want.GetRevision() {
		k.say(controlv1.Phase_PHASE_FAILED, k.standing.GetMessage())
	}
}

// lost notes that a run ended by itself. It is begun again, by making it ready once more.
func (k *keeper) lost(err error) {
	if err == nil {
		err = errors.New("it ended by itself")
	}
	k.drop()
	k.fail(err)
}

// drop frees a run that ended by itself.
func (k *keeper) drop() {
	ended := k.runs
	if time.Since(ended.began) > longestPause {
		k.pause = 0
	}
	k.runs = nil
	k.hold(nil)
	ended.stop(nil)
	ended.candidate.Close()
}

// fail notes that a revision did not come up, or did not stay.
func (k *keeper) fail(err error) {
	k.pause = backoff(k.pause)
	k.failed, k.notBefore = k.want.GetRevision(), time.Now().Add(k.pause)
	k.logger.Error("a version does not run", "version", k.want.GetCurrent(), "cause", err, "again_in", k.pause)
	k.say(controlv1.Phase_PHASE_FAILED, err.Error())
}

func (k *keeper) say(phase controlv1.Phase, message string) {
	k.standing.Phase, k.standing.Message, k.standing.Revision, k.standing.Version = phase, message, k.want.GetRevision(), 0
	k.standing.Attached = ""
	if k.runs != nil {
		k.standing.Version, k.standing.Attached = k.runs.version.GetNumber(), k.runs.candidate.Attached()
	}
	k.tell(proto.CloneOf(k.standing))
}
