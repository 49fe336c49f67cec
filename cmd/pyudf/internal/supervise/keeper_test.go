package supervise

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func TestWhatIsNextIsDecidedByWhatIsWantedAndWhatRuns(t *testing.T) {
	now := time.Unix(1000, 0)
	stopped := wanting(7, first())
	stopped.Stopped = true
	redone := second()
	redone.DeployedMs = 5
	for name, c := range map[string]struct {
		want *controlv1.Deployment
		have having
		next step
	}{
		"nothing is known yet":                     {nil, having{}, wait},
		"it is gone":                               {nil, having{gone: true}, leave},
		"it is gone and runs":                      {nil, having{gone: true, runs: first()}, leave},
		"it is to run":                             {wanting(1, first()), having{}, advance},
		"it runs":                                  {wanting(1, first()), having{runs: first()}, wait},
		"another version is wanted":                {wanting(2, first(), second()), having{runs: first()}, advance},
		"the same number is another version":       {wanting(3, first(), redone), having{runs: second()}, advance},
		"it is stopped":                            {stopped, having{}, wait},
		"it is stopped and runs":                   {stopped, having{runs: first()}, halt},
		"it did not come up, and its pause is not": {wanting(2, second()), having{runs: first(), failed: 2, notBefore: now.Add(1)}, wait},
		"it did not come up, and its pause is up":  {wanting(2, second()), having{runs: first(), failed: 2, notBefore: now}, advance},
		"another revision did not come up":         {wanting(3, second()), having{failed: 2, notBefore: now.Add(1)}, advance},
		"it runs again after it failed":            {wanting(2, second()), having{runs: second(), failed: 2, notBefore: now}, wait},
	} {
		t.Run(name, func(t *testing.T) {
			c.have.now = now
			if next := decide(c.want, c.have); next != c.next {
				t.Errorf("next is %d, want %d", next, c.next)
			}
		})
	}
}

func TestAVersionTakesOverFromTheOneBefore(t *testing.T) {
	keeping(t, func(t *testing.T, p *play) {
		p.keeper.hear(wanting(1, first()))
		p.sees(t, "prepare A, A runs", "RUNNING of 1, version 1")
		ready := make(chan struct{})
		p.plays("B", role{prepared: ready})
		p.keeper.hear(wanting(2, first(), second()))
		p.sees(t, "prepare B", "PREPARING of 2, version 1")
		close(ready)
		p.sees(t, "A ends (B follows), B runs, A is closed", "RUNNING of 2, version 2")
		p.stop()
		p.sees(t, "B ends (context canceled), B is closed", "RUNNING of 2, version 2")
	})
}

func TestAVersionThatDoesNotComeUpLeavesTheOneBeforeAndIsTriedAgainAfterAPause(t *testing.T) {
	keeping(t, func(t *testing.T, p *play) {
		p.keeper.hear(wanting(1, first()))
		p.sees(t, "prepare A, A runs", "RUNNING of 1, version 1")
		p.plays("B", role{fails: errors.New("no such field")})
		p.keeper.hear(wanting(2, first(), second()))
		p.sees(t, "prepare B, A ends (B follows), B fails, B is closed, A runs", "FAILED of 2, version 1: no such field")
		pass(firstPause - 1)
		p.sees(t, "", "FAILED of 2, version 1: no such field")
		p.plays("B", role{unfit: errors.New("no such package")})
		pass(1)
		p.sees(t, "prepare B", "FAILED of 2, version 1: no such package")
		p.plays("B", role{})
		pass(2 * firstPause)
		p.sees(t, "prepare B, A ends (B follows), B runs, A is closed", "RUNNING of 2, version 2")
	})
}

func TestGoingBackIsNoChangeWhereTheOneBeforeRunsAlready(t *testing.T) {
	keeping(t, func(t *testing.T, p *play) {
		p.plays("B", role{unfit: errors.New("no")})
		p.keeper.hear(wanting(1, first()))
		p.theater.told()
		p.keeper.hear(wanting(2, first(), second()))
		p.theater.told()
		p.keeper.hear(wanting(3, first()))
		p.sees(t, "", "RUNNING of 3, version 1")
	})
}

func TestANewerRevisionOvertakesOneThatIsMadeReady(t *testing.T) {
	for name, deaf := range map[string]bool{"that gives up": false, "that comes late": true} {
		t.Run(name, func(t *testing.T) {
			keeping(t, func(t *testing.T, p *play) {
				ready := make(chan struct{})
				p.plays("A", role{prepared: ready, deaf: deaf})
				p.keeper.hear(wanting(1, first()))
				p.sees(t, "prepare A", "PREPARING of 1, version 0")
				p.keeper.hear(wanting(2, first(), second()))
				synctest.Wait()
				close(ready)
				events := "prepare B, B runs"
				if deaf {
					events = "A is closed, prepare B, B runs"
				}
				p.sees(t, events, "RUNNING of 2, version 2")
			})
		})
	}
}

func TestAVersionThatHangsCanBeOvertaken(t *testing.T) {
	keeping(t, func(t *testing.T, p *play) {
		p.keeper.hear(wanting(1, first()))
		p.theater.told()
		p.plays("B", role{mute: true})
		p.keeper.hear(wanting(2, first(), second()))
		p.sees(t, "prepare B, A ends (B follows), B is mute", "PREPARING of 2, version 1")
		p.keeper.hear(wanting(3, first()))
		p.sees(t, "B ends (context canceled), B is closed, A runs", "RUNNING of 3, version 1")
		p.keeper.hear(wanting(4, first(), second()))
		p.theater.told()
		gone := wanting(5, first(), second())
		gone.Stopped = true
		p.keeper.hear(gone)
		p.sees(t, "B ends (context canceled), B is closed, A is closed, A leaves", "STOPPED of 5, version 0")
	})
}

func TestARunThatEndsByItselfIsBegunAgainWithGrowingPauses(t *testing.T) {
	keeping(t, func(t *testing.T, p *play) {
		p.plays("A", role{lives: time.Second})
		p.keeper.hear(wanting(1, first()))
		p.sees(t, "prepare A, A runs", "RUNNING of 1, version 1")
		for _, pause := range []int{2, 4, 8, 16, 32, 60, 60} {
			pass(time.Second)
			p.sees(t, "A dies, A is closed", "FAILED of 1, version 0: A died")
			pass(time.Duration(pause)*time.Second - 1)
			p.sees(t, "", "FAILED of 1, version 0: A died")
			pass(1)
			p.sees(t, "prepare A, A runs", "RUNNING of 1, version 1")
		}
		p.plays("A", role{lives: 2 * longestPause})
		pass(time.Second)
		p.theater.told()
		pass(longestPause)
		p.sees(t, "prepare A, A runs", "RUNNING of 1, version 1")
		pass(2 * longestPause)
		p.sees(t, "A dies, A is closed", "FAILED of 1, version 0: A died")
		pass(firstPause)
		p.sees(t, "prepare A, A runs", "RUNNING of 1, version 1")
	})
}

func TestARunThatEndsWhileAnotherIsMadeReadyIsNoFaultOfThatOne(t *testing.T) {
	keeping(t, func(t *testing.T, p *play) {
		ready := make(chan struct{})
		p.plays("A", role{lives: time.Second})
		p.plays("B", role{prepared: ready})
		p.keeper.hear(wanting(1, first()))
		p.theater.told()
		p.keeper.hear(wanting(2, first(), second()))
		p.theater.told()
		pass(time.Second)
		p.sees(t, "A dies, A is closed", "PREPARING of 2, version 0")
		close(ready)
		p.sees(t, "B runs", "RUNNING of 2, version 2")
		if pause := p.told.standing.GetPauseMs(); pause != 0 {
			t.Errorf("a version that replaced none paused for %d ms", pause)
		}
	})
}

func TestADeploymentIsStoppedStartedAndDeleted(t *testing.T) {
	keeping(t, func(t *testing.T, p *play) {
		p.keeper.hear(wanting(1, first()))
		p.theater.told()
		stopped := wanting(2, first())
		stopped.Stopped = true
		p.keeper.hear(stopped)
		p.sees(t, "A ends (context canceled), A is closed", "STOPPED of 2, version 0")
		p.keeper.hear(wanting(3, first()))
		p.sees(t, "prepare A, A runs", "RUNNING of 3, version 1")
		p.keeper.hear(nil)
		p.sees(t, "A ends (context canceled), A is closed", "RUNNING of 3, version 1")
		select {
		case <-p.ended:
		default:
			t.Error("the keeper is still there")
		}
		if p.keeper.last.GetRevision() != 3 {
			t.Errorf("what it kept was %v", p.keeper.last)
		}
	})
}

func TestTheEndOfANodeEndsWhateverAKeeperDoes(t *testing.T) {
	for name, role := range map[string]func() role{
		"make it ready": func() role { return role{prepared: make(chan struct{})} },
		"start it":      func() role { return role{mute: true} },
		"run it":        func() role { return role{} },
		"wait":          func() role { return role{unfit: errors.New("no")} },
	} {
		t.Run(name, func(t *testing.T) {
			keeping(t, func(t *testing.T, p *play) {
				p.plays("A", role())
				p.keeper.hear(wanting(1, first()))
				p.theater.told()
				p.stop()
				synctest.Wait()
				select {
				case <-p.ended:
				default:
					t.Error("the keeper is still there")
				}
			})
		})
	}
}

func TestACandidateThatIsReadyWhenTheNodeEndsIsClosed(t *testing.T) {
	keeping(t, func(t *testing.T, p *play) {
		ready := make(chan struct{})
		p.plays("A", role{prepared: ready, deaf: true})
		p.keeper.hear(wanting(1, first()))
		p.theater.told()
		p.stop()
		close(ready)
		p.sees(t, "A is closed", "PREPARING of 1, version 0")
	})
}
