package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

const (
	// warmUp is the part at the beginning that does not count. A broker compiles its code for a minute.
	warmUp = 10 * time.Second
	span   = 25 * time.Second
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
		{without, 20_000, appended, 10},
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
	if err := s.warm(ctx); err != nil {
		return nil, err
	}
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
	feed, err := newFeed(s.brokers, in, counted())
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
	came, err := s.taken(ctx, in, feed.sent)
	if err != nil {
		return nil, err
	}
	found, err := delaysAfter(began.Add(warmUp), came, written.each)
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
	return in, out, s.create(ctx, in, appendTimes())
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

// warm has the broker take readings that nobody wants.
func (s *stage) warm(ctx context.Context) error {
	in, out, err := s.delayTopics(ctx, "warm")
	if err != nil {
		return err
	}
	fmt.Printf("Latency: %d records/s for %s, so that the broker is warm ...\n", warmRate, span)
	feed, err := newFeed(s.brokers, in, counted())
	if err != nil {
		return err
	}
	defer feed.producer.Close()
	if err := feed.steady(ctx, warmRate, span); err != nil {
		return err
	}
	return s.remove(ctx, out)
}

// warmRate is the highest that is measured.
const warmRate = 50_000

// taken returns when the broker took each reading, by its number.
func (s *stage) taken(ctx context.Context, in string, sent int) ([]time.Time, error) {
	came := make([]time.Time, sent)
	err := s.each(ctx, in, func(m *kafka.Message) error {
		number, err := numberOf(m.Value, sent)
		if err == nil {
			came[number] = m.Timestamp
		}
		return err
	})
	return came, err
}

// numberOf returns the number of one of so many readings.
func numberOf(value []byte, sent int) (int, error) {
	var reading struct {
		N *int `json:"n"`
	}
	if err := json.Unmarshal(value, &reading); err != nil || reading.N == nil || *reading.N < 0 || *reading.N >= sent {
		return 0, fmt.Errorf("a record is not one of those that were sent: %s (%w)", value, err)
	}
	return *reading.N, nil
}

// delaysAfter are the delays, sorted, of the readings that the broker took after a moment. All of them have to be there.
func delaysAfter(from time.Time, came []time.Time, each func(do func(value []byte, at time.Time) error) error) ([]int64, error) {
	var found []int64
	seen := 0
	err := each(func(value []byte, at time.Time) error {
		number, err := numberOf(value, len(came))
		if err != nil {
			return err
		}
		seen++
		if came[number].After(from) {
			found = append(found, at.Sub(came[number]).Milliseconds())
		}
		return nil
	})
	if err == nil && seen < len(came) {
		err = fmt.Errorf("%d of %d records are there", seen, len(came))
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
