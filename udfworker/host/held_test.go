package host

import (
	"log/slog"
	"strings"
	"testing"
)

func TestMoreThanAnInterpreterSaysIsNotHeldBack(t *testing.T) {
	var log strings.Builder
	logger, held := hold(slog.New(slog.NewTextHandler(&log, nil)))
	logger = logger.With("worker", 1)
	for n := range maxHeld {
		logger.Info("held", "n", n)
	}
	if log.Len() > 0 {
		t.Fatalf("logged before it is known what happened: %s", log.String())
	}
	logger.Info("one more")
	held.release()
	logger.Info("after")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != maxHeld+2 || !strings.Contains(lines[0], "msg=held worker=1 n=0") || !strings.Contains(lines[maxHeld+1], "msg=after worker=1") {
		t.Errorf("got %d lines, the first %q and the last %q", len(lines), lines[0], lines[len(lines)-1])
	}
}
