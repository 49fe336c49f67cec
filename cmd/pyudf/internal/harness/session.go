package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/state/memstate"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Config is what a session needs.
type Config struct {
	Plan *planv1.Plan
	// Partitions is how many every topic has.
	Partitions int
	// Now is where the clock stands at first, in ms since the epoch.
	Now    int64
	Start  dispatch.Start
	Logger *slog.Logger
}

// Session is one app with its topics, its state and its clock. One goroutine calls its methods.
type Session struct {
	config   Config
	compiled *plan.Plan
	names    Names
	broker   *broker
	state    *memstate.Root
	worker   *keeper
	clock    atomic.Int64
	run      *run // nil: the engine is to be started
}

// New returns a session of a plan. Its error is that of plan.Compile.
func New(config Config) (*Session, error) {
	config.Plan = WithoutFiles(config.Plan)
	compiled, err := plan.Compile(config.Plan)
	if err != nil {
		return nil, err
	}
	s := &Session{
		config: config, compiled: compiled, names: NamesOf(config.Plan, compiled),
		state: memstate.New(), worker: &keeper{start: config.Start},
	}
	s.clock.Store(config.Now)
	s.broker = &broker{partitions: config.Partitions, topics: map[string]*topic{}}
	return s, nil
}

func (s *Session) now() time.Time { return time.UnixMilli(s.clock.Load()) }

// Do does what a command says.
func (s *Session) Do(ctx context.Context, c Command) error {
	switch {
	case c.Push != nil:
		return s.push(c.Push)
	case c.Crash:
		return s.crash(ctx)
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	switch {
	case c.Advance > 0:
		return s.advance(ctx, c.Advance)
	case c.Finish:
		return s.finish()
	case c.Restart:
		if err := s.stop(); err != nil {
			return err
		}
		return s.settle(ctx)
	}
	return nil
}

// Close ends the engine, which commits what it has, and the worker.
func (s *Session) Close(ctx context.Context) error { return errors.Join(s.stop(), s.worker.Stop(ctx)) }

// stop stops the engine.
func (s *Session) stop() error {
	if s.run == nil {
		return nil
	}
	s.run.cancel()
	return s.ended()
}

// ended waits for the end of the engine and returns its error.
func (s *Session) ended() error {
	<-s.run.done
	err := s.run.err
	s.run = nil
	return err
}

// push adds records to a topic. The engine gets them with the next command.
func (s *Session) push(p *Push) error {
	if !slices.Contains(s.names.Inputs, p.Topic) {
		return fmt.Errorf("the app reads no %q; it reads %s", p.Topic, strings.Join(s.names.Inputs, ", "))
	}
	to := s.broker.topic(p.Topic)
	for _, r := range p.Records {
		if r.Partition != nil && (*r.Partition < 0 || int(*r.Partition) >= s.config.Partitions) {
			return fmt.Errorf("there is no partition %d of %d: ask for more when the pipeline begins", *r.Partition, s.config.Partitions)
		}
		if r.Time == nil {
			now := s.clock.Load()
			r.Time = &now
		}
		if r.Key == nil {
			r.Key = keyIn(r.Value, s.keyField(p.Topic))
		}
		to.add(r)
	}
	return nil
}

// keyField returns the field that a topic is keyed by; empty: none.
func (s *Session) keyField(topic string) string {
	for _, source := range s.compiled.Sources {
		if source.Proto != nil && source.Name == topic {
			return source.Proto.GetKey()
		}
	}
	return ""
}

// keyIn returns the key that a producer would give a record; nil if it has none.
func keyIn(value []byte, field string) []byte {
	var fields map[string]json.RawMessage
	if field == "" || json.Unmarshal(value, &fields) != nil {
		return nil
	}
	text := fields[field]
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	if text[0] != '"' {
		return text
	}
	key, err := codec.AppendUnquoted([]byte{}, text)
	if err != nil {
		return nil
	}
	return key
}

// settle returns when everything that was sent has gone through all stages and is committed.
func (s *Session) settle(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	for again := true; again; {
		again = false
		for _, r := range s.run.readings {
			rested := r.release()
			if rested == nil {
				continue
			}
			again = true
			if err := s.await(rested); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin starts the engine if it does not run.
func (s *Session) begin(ctx context.Context) error {
	if s.run != nil {
		return nil
	}
	s.start(ctx)
	for _, r := range s.run.readings {
		if err := s.await(r.opened()); err != nil {
			return err
		}
	}
	return nil
}

var errEnded = errors.New("the engine ended by itself")

// await waits for a reading, or for the end of the engine.
func (s *Session) await(rested <-chan struct{}) error {
	select {
	case <-rested:
		return nil
	case <-s.run.done:
		if err := s.ended(); err != nil {
			return err
		}
		return errEnded
	}
}

// lastStep is how much of an advance comes as a step of its own: who is told to be idle by the first one learns by the
// second how long it has been. It is no shorter than the engine's ticks.
const lastStep = 100

// advance moves the clock, and everything that waits for it.
func (s *Session) advance(ctx context.Context, ms int64) error {
	for _, step := range []int64{ms - lastStep, min(ms, lastStep)} {
		if step <= 0 {
			continue
		}
		s.clock.Add(step)
		for _, r := range s.run.readings {
			if err := s.await(r.nudge()); err != nil {
				return err
			}
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// finish lets all input end. The next command starts the engine again.
func (s *Session) finish() error {
	for _, r := range s.run.readings {
		if !r.hop {
			r.Finish()
		}
	}
	return s.ended()
}

// crash has the first stages write what comes of what was pushed, then ends the engine before anything is delivered.
func (s *Session) crash(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.broker.crashing.Store(true)
	for _, r := range s.run.readings {
		if rested := r.release(); rested != nil {
			select {
			case <-rested:
			case <-s.run.done:
			}
		}
	}
	s.run.cancel()
	err := s.ended()
	s.broker.crashing.Store(false)
	if err != nil && !errors.Is(err, errCrash) {
		return err
	}
	return s.settle(ctx)
}

// Take returns what the app wrote since the last call.
func (s *Session) Take() map[string][]Record {
	all := map[string][]Record{}
	for _, name := range s.names.Outputs {
		if records := s.broker.topic(name).take(); len(records) > 0 {
			all[name] = records
		}
	}
	return all
}
