package sourcetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
)

func TestFakeKeepsThePromisesOfABoundedSource(t *testing.T) {
	sourcetest.Suite(t, func(*testing.T) sourcetest.Opened {
		fake := sourcetest.New()
		want := map[record.Partition][]string{}
		for index := range int32(2) {
			partition := record.Partition{Topic: "t", Index: index}
			fake.Push(source.Event{Assigned: []record.Partition{partition}})
		}
		for index := range int32(2) {
			partition := record.Partition{Topic: "t", Index: index}
			for first := int64(5); first < 11; first += 2 {
				values := []string{fmt.Sprint(index, first), fmt.Sprint(index, first+1)}
				want[partition] = append(want[partition], values...)
				fake.Push(source.Event{Records: sourcetest.Batch(partition, first, values...)})
			}
			fake.Push(source.Event{Ended: []record.Partition{partition}})
		}
		return sourcetest.Opened{Source: fake, Values: want, Fourth: 8}
	})
}

func TestPollWaitsForAPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := sourcetest.New()
		polled := make(chan source.Event)
		go func() {
			event, err := fake.Poll(t.Context())
			if err != nil {
				t.Errorf("poll: %v", err)
			}
			polled <- event
		}()
		synctest.Wait()
		select {
		case event := <-polled:
			t.Fatalf("poll returned %+v before anything was pushed", event)
		default:
		}
		fake.Push(source.Event{Idle: true})
		if event := <-polled; !event.Idle {
			t.Errorf("got %+v, want the pushed event", event)
		}
	})
}

func TestFailComesAfterWhatWasPushed(t *testing.T) {
	fake := sourcetest.New()
	broken := errors.New("broken")
	fake.Push(source.Event{Idle: true})
	fake.Fail(broken)
	if _, err := fake.Poll(t.Context()); err != nil {
		t.Errorf("first poll: %v", err)
	}
	for range 2 {
		if _, err := fake.Poll(t.Context()); !errors.Is(err, broken) {
			t.Errorf("poll returned %v, want %v", err, broken)
		}
	}
}

func TestCommitsAndReleasesAreRemembered(t *testing.T) {
	fake := sourcetest.New()
	partition := record.Partition{Topic: "t", Index: 1}
	if _, ok := fake.LastCommit(partition); ok {
		t.Error("a partition counts as committed before any commit")
	}
	for offset := range int64(3) {
		if err := fake.Commit(t.Context(), []record.Position{{Partition: partition, Offset: offset}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := fake.Release([]record.Partition{partition}); err != nil {
		t.Fatal(err)
	}
	if offset, ok := fake.LastCommit(partition); !ok || offset != 2 {
		t.Errorf("committed %d, %v, want 2", offset, ok)
	}
	if got := len(fake.Commits()); got != 3 {
		t.Errorf("%d commits, want 3", got)
	}
	if got := fake.Released(); !slices.Equal(got, []record.Partition{partition}) {
		t.Errorf("released %v", got)
	}
}

func TestARefusedCommitIsNotRemembered(t *testing.T) {
	fake := sourcetest.New()
	refused := errors.New("refused")
	fake.OnCommit(func([]record.Position) error { return refused })
	if err := fake.Commit(t.Context(), []record.Position{{Offset: 1}}); !errors.Is(err, refused) {
		t.Errorf("commit returned %v, want %v", err, refused)
	}
	if got := fake.Commits(); len(got) != 0 {
		t.Errorf("remembered %v", got)
	}
}

func TestReleaseThrowsAwayWhatIsNotYetPolled(t *testing.T) {
	fake := sourcetest.New()
	gone, kept := record.Partition{Topic: "t"}, record.Partition{Topic: "t", Index: 1}
	fake.Push(source.Event{Records: sourcetest.Batch(gone, 0, "a")}, source.Event{Records: sourcetest.Batch(kept, 0, "b")})
	if err := fake.Release([]record.Partition{gone}); err != nil {
		t.Fatal(err)
	}
	event, err := fake.Poll(t.Context())
	if err != nil || event.Records == nil || event.Records.Partition != kept {
		t.Errorf("got %+v, %v, want the batch of %v", event, err, kept)
	}
}

func TestAPartitionThatWaitsToBeginHoldsUpNoOther(t *testing.T) {
	fake := sourcetest.New()
	slow, quick := record.Partition{Topic: "t"}, record.Partition{Topic: "t", Index: 1}
	fake.Push(source.Event{Assigned: []record.Partition{slow, quick}}, source.Event{Records: sourcetest.Batch(slow, 0, "a")},
		source.Event{Revoked: []record.Partition{slow}}, source.Event{Records: sourcetest.Batch(quick, 0, "b")})
	poll := func() source.Event {
		event, err := fake.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return event
	}
	if event := poll(); len(event.Assigned) != 2 {
		t.Fatalf("got %+v", event)
	}
	for _, p := range []record.Partition{quick, slow} {
		if _, err := fake.Begin(t.Context(), p, -1); err != nil {
			t.Fatal(err)
		}
		if event := poll(); event.Records == nil || event.Records.Partition != p {
			t.Errorf("got %+v, want the batch of %v", event, p)
		}
		if event := poll(); p == quick && !event.Idle || p == slow && event.Revoked == nil {
			t.Errorf("got %+v after the batch of %v", event, p)
		}
	}
}

func TestWaitSeesACommitOfAnotherGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := sourcetest.New()
		go func() {
			if err := fake.Commit(t.Context(), []record.Position{{Offset: 7}}); err != nil {
				t.Errorf("commit: %v", err)
			}
		}()
		if err := fake.Wait(t.Context(), func() bool { return len(fake.Commits()) == 1 }); err != nil {
			t.Errorf("wait: %v", err)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sourcetest.New().Wait(ctx, func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("wait returned %v, want %v", err, context.Canceled)
	}
}
