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
	took   time.Duration
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
	if err := s.await(ctx, r, out, g.records); err != nil {
		return measurement{}, err
	}
	m := measurement{took: time.Since(began), memory: memoryOf(r.cmd.Process.Pid)}
	r.stop()
	if g.inside > 0 {
		if m.inside, err = s.inside(out); err != nil {
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
	args := c.args(places{out: out, brokers: s.kafka.Addr(), state: filepath.Join(s.dir, "state")})
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "BROKERS="+s.kafka.Addr(), "IN="+in, "OUT="+out)
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
	group := -r.cmd.Process.Pid
	_ = syscall.Kill(r.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(group, syscall.SIGKILL)
		<-r.ended
	}
}

// await returns when the topic holds so many records.
func (s *stage) await(ctx context.Context, r *running, topic string, want int64) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var last int64
	moved := time.Now()
	for {
		have, err := s.count(ctx, topic)
		if err != nil {
			return err
		}
		if have >= want {
			return nil
		}
		if have != last {
			last, moved = have, time.Now()
		}
		if time.Since(moved) > stall {
			return fmt.Errorf("%s stands still at %d of %d records; see %s", topic, have, want, r.log)
		}
		select {
		case <-ticker.C:
		case <-r.ended:
			return fmt.Errorf("the contender for %s ended at %d of %d records; see %s", topic, have, want, r.log)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
