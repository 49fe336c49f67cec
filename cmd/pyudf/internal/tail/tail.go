package tail

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// Options says which records to show.
type Options struct {
	// Key is the key to show; nil shows all.
	Key *string
	// Limit is the number of records to show; 0 is without limit.
	Limit int
	// JSON writes a JSON object for each record, else text for people.
	JSON bool
}

// Show writes records of from to out until the limit is reached, or all partitions ended, or ctx ends.
func Show(ctx context.Context, from source.Source, out io.Writer, options Options) error {
	s := shower{out: out, options: options, open: map[record.Partition]bool{}}
	for {
		event, err := from.Poll(ctx)
		if err == nil {
			var done bool
			if done, err = s.take(ctx, from, event); done {
				return err
			}
		}
		if err != nil {
			return unlessEnded(ctx, err)
		}
	}
}

// unlessEnded drops an error that only says that ctx ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

type shower struct {
	out     io.Writer
	options Options
	open    map[record.Partition]bool
	shown   int
	buffer  []byte
}

func (s *shower) take(ctx context.Context, from source.Source, event source.Event) (done bool, err error) {
	for _, partition := range event.Assigned {
		s.open[partition] = true
		if _, err := from.Begin(ctx, partition, -1); err != nil {
			return true, err
		}
	}
	for _, partition := range event.Ended {
		delete(s.open, partition)
	}
	if event.Records != nil {
		return s.batch(event.Records)
	}
	return len(event.Ended) > 0 && len(s.open) == 0, nil
}

func (s *shower) batch(batch *record.Batch) (done bool, err error) {
	s.buffer = s.buffer[:0]
	for i := range batch.Len() {
		if !s.wants(batch.Keys.At(i)) {
			continue
		}
		if s.options.JSON {
			s.buffer = appendJSON(s.buffer, batch, i)
		} else {
			s.buffer = appendText(s.buffer, batch, i)
		}
		s.shown++
		if done = s.shown == s.options.Limit; done {
			break
		}
	}
	if _, err := s.out.Write(s.buffer); err != nil {
		return true, fmt.Errorf("writing: %w", err)
	}
	return done, nil
}

func (s *shower) wants(key []byte) bool {
	return s.options.Key == nil || (key != nil && string(key) == *s.options.Key)
}
