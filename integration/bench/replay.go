package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// replay measures app.replay beside a list comprehension. It needs no Kafka.
func replay(ctx context.Context, o options) error {
	if !o.has("replay") {
		return nil
	}
	engine, err := filepath.Abs("bin/pyudf")
	if err != nil {
		return err
	}
	//nolint:gosec // the arguments are numbers
	cmd := exec.CommandContext(ctx, ".venv/bin/python", "integration/bench/apps/replay.py",
		"--records", strconv.Itoa(o.records), "--runs", strconv.Itoa(o.runs))
	cmd.Env = append(os.Environ(), "PYUDF_BIN="+engine)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return nil
}
