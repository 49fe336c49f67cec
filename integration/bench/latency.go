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
	// warmUp is the part at the beginning that does not count.
	warmUp = 3 * time.Second
	span   = 13 * time.Second
)

// delay is what one contender took for a reading under a steady rate, in milliseconds.
type delay struct {
	contender contender
	rate      int
	p50, p99  int64
	most      int64
}

// delays measures the contenders whose latency matters, at each rate.
func delays(ctx context.Context, s *stage) ([]delay, error) {
	var all []delay
	for _, rate := range []int{20_000, 50_000} {
		for _, c := range contenders {
			if c.name != "scalar" && c.name != floor {
				continue
			}
			fmt.Printf("Latency at %d records/s: %s ...\n", rate, c.title)
			d, err := s.delay(ctx, c, rate)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
	}
	return all, nil
}

func (s *stage) delay(ctx context.Context, c contender, rate int) (delay, error) {
	in, out, err := s.delayTopics(ctx, c.name)
	if err != nil {
		return delay{}, err
	}
	r, err := s.launch(ctx, c, in, out)
	if err != nil {
		return delay{}, err
	}
	defer r.stop()
	feed, err := newFeed(s.kafka.Addr(), in)
	if err != nil {
		return delay{}, err
	}
	defer feed.producer.Close()
	if err := s.awake(ctx, r, feed, out); err != nil {
		return delay{}, err
	}
	began := time.Now()
	if err := feed.steady(ctx, rate, span); err != nil {
		return delay{}, err
	}
	if err := s.await(ctx, r, out, int64(feed.sent)); err != nil {
		return delay{}, err
	}
	found, err := s.delaysIn(out, began.Add(warmUp))
	if err != nil {
		return delay{}, err
	}
	return delay{c, rate, quantile(found, 0.5), quantile(found, 0.99), found[len(found)-1]}, s.remove(ctx, out)
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
		have, err := s.count(ctx, out)
		if err != nil || have > 0 {
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

// delaysIn reads the output topic and returns, sorted, the delays of the readings made after the warm-up.
func (s *stage) delaysIn(topic string, from time.Time) ([]int64, error) {
	var found []int64
	err := s.each(topic, func(m *kafka.Message) error {
		var reading struct {
			T int64 `json:"t"`
		}
		if err := json.Unmarshal(m.Value, &reading); err != nil {
			return fmt.Errorf("a record of the output is not what went in: %w", err)
		}
		if reading.T > from.UnixMilli() {
			found = append(found, m.Timestamp.UnixMilli()-reading.T)
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no reading in %s is younger than the warm-up", topic)
	}
	slices.Sort(found)
	return found, err
}

func quantile(sorted []int64, q float64) int64 {
	return sorted[int(float64(len(sorted))*q)]
}
