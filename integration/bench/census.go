package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

const (
	windowMS = 10_000
	gapMS    = 5_000
)

// census is what can be said of the readings in the input topic, from which follows what each task's results are. As
// the input does not end, windows that no later reading has closed are not among them.
type census struct {
	// latest is the time of the last reading in each partition: how far its watermark is.
	latest map[int32]int64
	// home is the partition of each station.
	home     map[string]int32
	stations map[window]int64
	regions  map[window]int64
	sessions []session
	open     map[string]*session
}

// window counts the readings of a key from a moment on.
type window struct {
	key   string
	start int64
}

type session struct {
	partition int32
	last, n   int64
}

// takeCensus reads the whole input topic.
func (s *stage) takeCensus(ctx context.Context) (*census, error) {
	c := &census{
		latest: map[int32]int64{}, home: map[string]int32{}, stations: map[window]int64{}, regions: map[window]int64{},
		open: map[string]*session{},
	}
	return c, s.each(ctx, input, func(m *kafka.Message) error {
		var reading struct {
			Station, Region string
			TS              int64 `json:"ts"`
		}
		if err := json.Unmarshal(m.Value, &reading); err != nil {
			return fmt.Errorf("a reading is no JSON: %w", err)
		}
		start := reading.TS / windowMS * windowMS
		c.latest[m.TopicPartition.Partition] = reading.TS // they are in the order of their times
		c.home[reading.Station] = m.TopicPartition.Partition
		c.stations[window{reading.Station, start}]++
		c.regions[window{reading.Region, start}]++
		c.join(reading.Station, reading.TS)
		return nil
	})
}

// join puts a reading into its station's session.
func (c *census) join(station string, ts int64) {
	open := c.open[station]
	if open == nil || ts-open.last > gapMS {
		if open != nil {
			c.sessions = append(c.sessions, *open)
		}
		open = &session{partition: c.home[station]}
		c.open[station] = open
	}
	open.last, open.n = ts, open.n+1
}

// byStation counts windows that the watermark of their partition has closed.
func (c *census) byStation() goal {
	return closed(c.stations, func(key string) int64 { return c.latest[c.home[key]] })
}

// byRegion counts windows that the lowest watermark of all partitions has closed.
func (c *census) byRegion() goal {
	lowest := int64(-1)
	for _, latest := range c.latest {
		if lowest < 0 || latest < lowest {
			lowest = latest
		}
	}
	return closed(c.regions, func(string) int64 { return lowest })
}

func closed(windows map[window]int64, watermark func(key string) int64) goal {
	var g goal
	for w, n := range windows {
		if w.start+windowMS <= watermark(w.key) {
			g.records, g.inside = g.records+1, g.inside+n
		}
	}
	return g
}

// bySession counts sessions that are over.
func (c *census) bySession() goal {
	var g goal
	count := func(s session) {
		if c.latest[s.partition] > s.last+gapMS {
			g.records, g.inside = g.records+1, g.inside+s.n
		}
	}
	for _, s := range c.sessions {
		count(s)
	}
	for _, s := range c.open {
		count(*s)
	}
	return g
}

// inside is how many readings the windows in a topic hold, by their field n.
func (s *stage) inside(ctx context.Context, topic string) (int64, error) {
	var total int64
	err := s.each(ctx, topic, func(m *kafka.Message) error {
		var result struct{ N int64 }
		if err := json.Unmarshal(m.Value, &result); err != nil {
			return fmt.Errorf("a result is no JSON: %w", err)
		}
		total += result.N
		return nil
	})
	return total, err
}
