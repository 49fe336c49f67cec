package embedded

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// logger hands kfake's lines to slog. kfake's warnings are about requests that a client sends again, so only its
// errors are worth a user's attention.
type logger struct {
	target *slog.Logger
}

// Logf implements kfake.Logger.
func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	if level == kfake.LogLevelError {
		to = slog.LevelError
	}
	ctx := context.Background()
	if l.target.Enabled(ctx, to) {
		l.target.Log(ctx, to, fmt.Sprintf(format, args...)) //nolint:sloglint // the message is made by kfake
	}
}
