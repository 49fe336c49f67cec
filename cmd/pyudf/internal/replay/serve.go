package replay

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// Said is one line of output: how far a replay is, and at last how it ended.
type Said struct {
	Read    map[string]int64 `json:"read,omitempty"`
	Outcome *Outcome         `json:"outcome,omitempty"`
}

// Receive reads the job. What follows it on in is nothing but the end, which says that nobody waits for the outcome any more:
// then the context that is returned ends.
func Receive(ctx context.Context, in io.Reader) (*Job, context.Context, error) {
	reader := bufio.NewReader(in)
	line, err := reader.ReadBytes('\n')
	if err != nil {
		return nil, ctx, fmt.Errorf("read the job: %w", err)
	}
	job := &Job{}
	if err := json.Unmarshal(line, job); err != nil {
		return nil, ctx, fmt.Errorf("read the job: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, reader) // any error is an end too
	}()
	return job, ctx, nil
}

// Serve runs a job and tells on out what comes of it.
func Serve(ctx context.Context, config Config, out io.Writer) error {
	encoder := json.NewEncoder(out)
	outcome, err := Run(ctx, config, func(read map[string]int64) {
		_ = encoder.Encode(Said{Read: read}) // who does not listen is missed at the end
	})
	if err != nil {
		return err
	}
	return encoder.Encode(Said{Outcome: outcome})
}
