package replay

import (
	"context"
	"io"
	"log/slog"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source/bounded"
)

// Said is what is told besides calls: how far a replay is, and at last how it ended.
type Said struct {
	Read    map[string]int64 `json:"read,omitempty"`
	Outcome *Outcome         `json:"outcome,omitempty"`
}

// OpenSlice opens a slice of a topic as the records of a partition.
type OpenSlice func(ctx context.Context, settings map[string]string, slice *Slice, partition record.Partition) (bounded.Reader, error)

// Serve does what comes in, and tells on out what comes of it. It ends when in does: then nobody waits any more.
func Serve(ctx context.Context, in io.Reader, out io.Writer, open OpenSlice, logger *slog.Logger) error {
	kernel, plan, job, err := newKernel(in, out)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-kernel.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	outcome, err := Run(ctx, Config{Plan: plan, Job: job, Start: kernel.start, OpenSlice: open, Logger: logger}, func(read map[string]int64) {
		_ = kernel.say(Said{Read: read}) // who does not listen is missed at the end
	})
	if err != nil {
		return err
	}
	return kernel.say(Said{Outcome: outcome})
}
