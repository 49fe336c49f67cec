package kafka

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// complaints writes what a client reports to the log, in words for people.
type complaints struct {
	logger *slog.Logger
	// quiet keeps the complaints from people as long as somebody waits for the connection and will say more.
	quiet atomic.Bool
	mu    sync.Mutex
	down  time.Time // when it was last said that no broker is there; guarded by mu
}

func (l *complaints) log(e kafka.Error) {
	down := e.Code() == kafka.ErrAllBrokersDown
	switch {
	case l.quiet.Load() || e.Code() == kafka.ErrTransport || e.Code() == kafka.ErrResolve || down && !l.due():
		l.logger.Debug("kafka reports an error", "error", e.String(), "code", e.Code().String())
	case down:
		l.logger.Warn("no broker can be reached, waiting for one to come back", "cause", e.String())
	default:
		l.logger.Warn("kafka reports an error", "error", e.String(), "code", e.Code().String())
	}
}

func (l *complaints) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.down) < repeatAfter {
		return false
	}
	l.down = now
	return true
}
