package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/interrupt"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

// world is what the program sees of its surroundings; tests bring their own.
type world struct {
	in      io.Reader
	out     io.Writer
	err     io.Writer
	getenv  func(string) string
	signals <-chan os.Signal
	// exit ends the program at once.
	exit func(code int)
	// terminal returns the width of the terminal that err is, if it is one.
	terminal func() (width int, ok bool)
}

// interruptible returns a context that the first Ctrl-C or SIGTERM ends, saying notice. The second ends the program.
// release must be called.
func (w *world) interruptible(ctx context.Context, notice func()) (_ context.Context, release func()) {
	return interrupt.Context(ctx, w.signals, interrupt.Handler{
		First: notice,
		Second: func() {
			w.say("stopped at once: what was not committed comes again in the next run")
			w.exit(outcome.Failed)
		},
	})
}

// say writes a line for the person at the terminal. That nobody may be there to read it is no reason to fail.
func (w *world) say(format string, args ...any) {
	_, _ = fmt.Fprintf(w.err, format+"\n", args...)
}

// print writes what the command is asked for.
func (w *world) print(text string) error {
	_, err := io.WriteString(w.out, text)
	return err
}
