package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	// warmUp is the part at the beginning that does not count.
	warmUp = 3 * time.Second
	span   = 13 * time.Second
)

// pace is one contender under a steady rate.
type pace struct {
	contender contender
	rate      int
	// moments finds the moment at which each record counts as written.
	moments func(ctx context.Context, s *stage, out string) (moments, error)
	// budget is what the 99th percentile may be, in ms; 0: anything.
	budget float64
}

// paces are those whose latency matters.
func paces() []pace {
	without := contender{atLeastOnce, "pyudf, at-least-once", ours("scalar.py", "--guarantee", atLeastOnce)}
	bare := contender{floor, "bare Python loop", loop("bare.py")}
	all := []pace{
		{without, 20_000, appended, 20},
		{bare, 20_000, appended, 0},
		{without, 50_000, appended, 20},
		{bare, 50_000, appended, 0},
	}
	for _, interval := range []string{"100ms", "250ms", "1s"} {
		all = append(all, pace{contender{
			exactlyOnce + "-" + interval, "pyudf, exactly-once each " + interval,
			ours("scalar.py", "--guarantee", exactlyOnce, "--commit-interval", interval),
		}, 50_000, received, 0})
	}
	return all
}

// delay is what one contender took for a reading, in milliseconds.
type delay struct {
	pace

	p50, p99 int64
	most     int64
}

func delays(ctx context.Context, s *stage) ([]delay, error) {
	var all []delay
	for _, p := range paces() {
		fmt.Printf("Latency at %d records/s: %s ...\n", p.rate, p.contender.title)
		found, err := s.delays(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, delay{p, quantile(found, 0.5), quantile(found, 0.99), found[len(found)-1]})
	}
	return all, nil
}

// delays are those of one contender, sorted.
func (s *stage) delays(ctx context.Context, p pace) ([]int64, error) {
	in, out, err := s.delayTopics(ctx, p.contender.name)
	if err != nil {
		return nil, err
	}
	r, err := s.launch(ctx, p.contender, in, out)
	if err != nil {
		return nil, err
	}
	defer r.stop()
	feed, err := newFeed(s.brokers, in, timed)
	if err != nil {
		return nil, err
	}
	defer feed.producer.Close()
	if err := s.awake(ctx, r, feed, out); err != nil {
		return nil, err
	}
	written, err := p.moments(ctx, s, out)
	if err != nil {
		return nil, err
	}
	defer written.close()
	began := time.Now()
	if err := feed.steady(ctx, p.rate, span); err != nil {
		return nil, err
	}
	if _, err := s.await(ctx, r, out, int64(feed.sent)); err != nil {
		return nil, err
	}
	found, err := delaysAfter(began.Add(warmUp), feed.sent, written.each)
	if err != nil {
		return nil, fmt.Errorf("look at what came to %s: %w", out, err)
	}
	return found, s.remove(ctx, out)
}

func (s *stage) delayTopics(ctx context.Context, name string) (in, out string, err error) {
	out, err = s.output(ctx, name)
	if err != nil {
		return "", "", err
	}
	in = "in-" + out
	return in, out, s.create(ctx, in, nil)
}

// awake sends single readings until one of them comes out: then the contender is at work.
func (s *stage) awake(ctx context.Context, r *running, f *feed, out string) error {
	ticker := time.NewTicker(4 * tick)
	defer ticker.Stop()
	for range 300 {
		if err := f.send(); err != nil {
			return err
		}
		ends, err := s.ends(ctx, out)
		if err != nil || ends.sum() > 0 {
			return err
		}
		select {
		case <-ticker.C:
		case <-r.ended:
			return fmt.Errorf("the contender for %s ended before it gave a record; see %s", out, r.log)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("nothing came to %s within a minute; see %s", out, r.log)
}

// delaysAfter are the delays, sorted, of the readings made after a moment, out of so many that there have to be.
func delaysAfter(from time.Time, want int, each func(do func(value []byte, at time.Time) error) error) ([]int64, error) {
	var found []int64
	seen := 0
	err := each(func(value []byte, at time.Time) error {
		var reading struct {
			T int64 `json:"t"`
		}
		if err := json.Unmarshal(value, &reading); err != nil {
			return fmt.Errorf("a record of the output is not what went in: %w", err)
		}
		seen++
		if reading.T > from.UnixMilli() {
			found = append(found, at.UnixMilli()-reading.T)
		}
		return nil
	})
	if err == nil && seen < want {
		err = fmt.Errorf("%d of %d records are there", seen, want)
	}
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no reading is younger than the warm-up of %s", warmUp)
	}
	slices.Sort(found)
	return found, err
}

func quantile(sorted []int64, q float64) int64 {
	return sorted[int(float64(len(sorted))*q)]
}
