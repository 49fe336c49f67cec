package environments

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/pyudf/pyudf/udfworker/plugin"
)

// environ returns the variables for installers: those of the node, but for the ones that lead them away from the environment
// that they are to fill, or to packages from elsewhere.
func (b *Builder) environ() []string {
	drop := []string{
		"CONDA_PREFIX", "PIP_PREFIX", "PIP_PYTHON", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH",
		"UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_SYSTEM_PYTHON", "VIRTUAL_ENV",
	}
	if len(b.config.Wheels) > 0 {
		drop = append(drop, "PIP_FIND_LINKS", "UV_FIND_LINKS")
	}
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(drop, name)
	})
}

// keptLines is how much of what a command writes is kept, from each of its streams.
const keptLines = 2000

// run runs a command to its end, and returns what it wrote, without secrets. The end of ctx kills it with all that it started.
func (b *Builder) run(ctx context.Context, command []string) ([]string, error) {
	python := exec.Command(command[0], command[1:]...) //nolint:noctx // the whole group is killed, below
	python.Env = b.environ()
	child := plugin.NewChild(python)
	if err := child.Start(ctx); err != nil {
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	stop := context.AfterFunc(ctx, func() { _ = child.Kill(ctx) }) // it never fails
	defer stop()
	var out, said []string
	var readers sync.WaitGroup
	readers.Go(func() { out = b.lines(ctx, child.Stdout()) })
	readers.Go(func() { said = b.lines(ctx, child.Stderr()) })
	readers.Wait()
	err := child.Wait(ctx)
	return append(out, said...), err
}

// lines reads all that a command writes, and returns the last of it.
func (b *Builder) lines(ctx context.Context, from io.ReadCloser) []string {
	defer func() { _ = from.Close() }() // only read from
	var kept []string
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadString('\n')
		if line = b.hide(strings.TrimRight(line, " \r\n")); line != "" || err == nil {
			b.config.Logger.DebugContext(ctx, "installer", "line", line)
			kept = append(kept, line)
		}
		if len(kept) > 2*keptLines {
			kept = slices.Clone(kept[keptLines:])
		}
		if err != nil {
			return kept
		}
	}
}
