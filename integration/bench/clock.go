package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const (
	tick = 50 * time.Millisecond
	// stall is how long an output topic may stand still before a run counts as stuck.
	stall = 60 * time.Second
)

// measurement is one run of one contender.
type measurement struct {
	// took is the time until a reader of committed records can have the last one; appended until it was in the topic.
	took, appended time.Duration

	memory memory
	// inside is how many readings the results hold together; 0 where results are no windows.
	inside int64
}

// running is a contender at work.
type running struct {
	cmd   *exec.Cmd
	ended chan struct{}
	log   string
}

// goal is what a contender has to write.
type goal struct {
	// records are how many there will be in the output topic.
	records int64
	// inside is how many readings they hold together, in their field n; 0: they have no such field.
	inside int64
}

// measure runs a contender from cold until its output is complete.
func (s *stage) measure(ctx context.Context, c contender, g goal) (measurement, error) {
	out, err := s.output(ctx, c.name)
	if err != nil {
		return measurement{}, err
	}
	began := time.Now()
	r, err := s.launch(ctx, c, input, out)
	if err != nil {
		return measurement{}, err
	}
	defer r.stop()
	complete, err := s.await(ctx, r, out, g.records)
	if err != nil {
		return measurement{}, err
	}
	m := measurement{
		took: complete.visible.Sub(began), appended: complete.appended.Sub(began), memory: memoryOf(r.cmd.Process.Pid),
	}
	r.stop()
	if g.inside > 0 {
		if m.inside, err = s.inside(ctx, out); err != nil {
			return measurement{}, err
		}
	}
	return m, s.remove(ctx, out)
}

func (s *stage) launch(ctx context.Context, c contender, in, out string) (*running, error) {
	log := filepath.Join(logDir, c.name+".log")
	file, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("make the log of %s: %w", c.name, err)
	}
	defer file.Close() //nolint:errcheck // the child has its own handle
	args := c.args(places{out: out, brokers: s.brokers, state: s.stateOf(out)})
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "BROKERS="+s.brokers, "IN="+in, "OUT="+out)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	r := &running{cmd: cmd, ended: make(chan struct{}), log: log}
	started := make(chan error)
	go r.live(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	return r, nil
}

// kill ends the process that was started, without a warning, and returns when it is gone.
func (r *running) kill() {
	select {
	case <-r.ended: // its number may belong to another process by now
		return
	default:
	}
	_ = syscall.Kill(r.cmd.Process.Pid, syscall.SIGKILL)
	<-r.ended
}

// live owns the child, on a thread that lives as long: the parent-death signal follows the thread.
func (r *running) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := r.cmd.Start()
	started <- err
	if err == nil {
		_ = r.cmd.Wait() // its log says how it ended
		close(r.ended)
	}
}

// stop asks the contender to end, and makes it and all that it started end if it does not.
func (r *running) stop() {
	select {
	case <-r.ended: // as in kill
		return
	default:
	}
	group := -r.cmd.Process.Pid
	_ = syscall.Kill(r.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(group, syscall.SIGKILL)
		<-r.ended
	}
}

// completion is when a topic had all that was waited for.
type completion struct {
	// appended is when the last record came into the topic, visible when a reader of committed records could have it.
	appended, visible time.Time
}

// await returns when so many committed records are in the topic.
func (s *stage) await(ctx context.Context, r *running, topic string, want int64) (completion, error) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	counted := tally{stage: s, topic: topic}
	var last offsets
	moved := time.Now()
	for {
		ends, err := s.ends(ctx, topic)
		if err != nil {
			return completion{}, err
		}
		now := time.Now()
		if complete, err := counted.reach(ends, want); err != nil || complete {
			return completion{counted.appended, now}, err
		}
		if ends != last {
			last, moved = ends, now
		}
		if time.Since(moved) > stall {
			return completion{}, fmt.Errorf("%s stands still at about %d of %d records; see %s", topic, ends.sum(), want, r.log)
		}
		select {
		case <-ticker.C:
		case <-r.ended:
			return completion{}, fmt.Errorf("the contender for %s ended at about %d of %d records; see %s", topic, ends.sum(), want, r.log)
		case <-ctx.Done():
			return completion{}, ctx.Err()
		}
	}
}
