package integration_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

// away waits while nothing can be sent.
func away(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

func TestABrokerThatRestartsInTheMidstOfTransactionsCostsNothing(t *testing.T) {
	t.Parallel()
	b := kafkatest.OwnKafka(t)
	p := newPipeline(t, b, seeded(t), t.TempDir(), t.TempDir())
	p.start(t)
	p.nodes[0].awaitWork(t)
	for _, stop := range []func(*testing.T){b.Stop, b.Crash} {
		p.load.lasting(t, time.Second)
		stop(t)
		away(t, 3*time.Second)
		b.Start(t)
		p.load.lasting(t, 3*time.Second)
	}
	for _, n := range p.nodes {
		if !n.program.running() {
			t.Fatalf("a node ended while the broker was away:\n%s", shorten(n.program.err.String()))
		}
	}
	p.finish(t)
}

// TestAQuestionAboutAGroupWaitsForItsCoordinator asks for longer than a request takes at most.
func TestAQuestionAboutAGroupWaitsForItsCoordinator(t *testing.T) {
	t.Parallel()
	b := kafkatest.OwnKafka(t)
	c := connect(t, b)
	topic := b.Topic(t, 1)
	r := join(t, c, topic, "group")
	b.Stop(t)
	type answer struct {
		offset int64
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		offset, err := r.source.Committed(t.Context(), r.owned[0])
		answers <- answer{offset, err}
	}()
	away(t, 7*time.Second)
	b.Start(t)
	select {
	case got := <-answers:
		if got.err != nil || got.offset != -1 {
			t.Errorf("got offset %d (%v), want -1", got.offset, got.err)
		}
	case <-time.After(patience):
		t.Errorf("no answer within %s", patience)
	}
}

// TestNothingWaitsForABrokerThatStaysAwayWhenItIsToEnd has a transaction wait for the broker when its patience ends.
func TestNothingWaitsForABrokerThatStaysAwayWhenItIsToEnd(t *testing.T) {
	t.Parallel()
	b := kafkatest.OwnKafka(t)
	c := connect(t, b)
	in, out := b.Topic(t, 1), b.Topic(t, 1)
	b.Produce(t, in, kafkatest.Record{Value: []byte("1")})
	r := join(t, c, in, "group")
	values, reads := r.take(t, 1)
	outlet, to := outletTo(t, c, "outlet", out)
	put(t, to, values...)
	b.Stop(t)
	within(t, 10*time.Second, "a delivery whose context ends after a second", func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := outlet.Deliver(ctx, reads); !errors.Is(err, sink.ErrAborted) {
			t.Errorf("got %v, want one that says that the transaction was aborted", err)
		}
	})
	within(t, 10*time.Second, "the end of the source", func() { _ = r.source.Close() })
	within(t, 10*time.Second, "the end of the outlet", func() { _ = outlet.Close() })
}

// TestPositionsOfLostPartitionsAreRefused has a member lose its partitions and join its group again before it knows.
func TestPositionsOfLostPartitionsAreRefused(t *testing.T) {
	t.Parallel()
	b := kafkatest.OwnKafka(t)
	settings := kafka.Settings{"bootstrap.servers": b.Addr(), "session.timeout.ms": "6000", "heartbeat.interval.ms": "300"}
	c, err := kafka.Connect(t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	in, out := b.Topic(t, 1), b.Topic(t, 1)
	b.Produce(t, in, kafkatest.Record{Value: []byte("1")})
	r := join(t, c, in, "group")
	values, reads := r.take(t, 1)
	before := b.Owners(t, "group")
	outlet, to := outletTo(t, c, "outlet", out)
	put(t, to, values...)
	b.Stop(t)
	away(t, 8*time.Second)
	b.Start(t)
	eventually(t, "another member in the group", func() bool {
		now := b.Owners(t, "group")
		return len(now) == len(before) && strings.HasSuffix(now[0], "Stable") && now[1] != before[1] && strings.Contains(now[1], in)
	})
	if err := outlet.Deliver(t.Context(), reads); !errors.Is(err, sink.ErrAborted) {
		t.Errorf("got %v, want one that says that the transaction was aborted", err)
	}
}

// within fails the test if something takes longer than it may.
func within(t *testing.T, limit time.Duration, what string, do func()) {
	t.Helper()
	began := time.Now()
	do()
	if took := time.Since(began); took > limit {
		t.Errorf("%s took %s, which is more than %s", what, took.Round(time.Millisecond), limit)
	}
}
