package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

const (
	// echoes is how many records of the filling there are to one that is echoed, which shows that it goes on.
	echoes = 1000
	// updates is how many records come in a second once each key has its state, before, while and after processes die.
	updates = 2000
	// snapshotEvery is how old a snapshot gets.
	snapshotEvery = 30 * time.Second
	// patience is how long a recovery may take.
	patience = 15 * time.Minute
)

// comeback is how long it took from the start of a process until records that it wrote could be read.
type comeback struct {
	title string
	// first is the time until the first record, all until there was one in each partition.
	first, all time.Duration
	// budget is what first may be; 0: anything.
	budget time.Duration
	// disk is how much the state held there, in MB, when the predecessor was killed.
	disk int
}

// recovery kills processes that keep 100 bytes for each of many keys, and starts them again.
func recovery(ctx context.Context, stage *stage, o options) error {
	if !o.has("recovery") {
		return nil
	}
	fmt.Printf("Recovery: %d records, each with a key of its own ...\n", o.keys)
	in := "in-kept"
	if err := stage.create(ctx, in, nil); err != nil {
		return err
	}
	if err := stage.produce(in, o.keys, numbered); err != nil {
		return err
	}
	shown, err := stage.oursComesBack(ctx, in, o.keys)
	if err != nil {
		return err
	}
	for _, c := range streamsField(ctx, "kept", exactlyOnceV2) {
		again, err := stage.streamsComesBack(ctx, c, in, o.keys)
		if err != nil {
			return err
		}
		shown = append(shown, again)
	}
	printRecovery(os.Stdout, shown, o.keys)
	return nil
}

// numbered is the record that gives a key its state.
func numbered(i int) (partition int32, key, value string) {
	echo := 0
	if i%echoes == 0 {
		echo = 1
	}
	key = strconv.Itoa(i)
	return kafka.PartitionAny, key, fmt.Sprintf(`{"key": %q, "n": %d, "echo": %d}`, key, i, echo)
}

// update makes records that replace the state of one of so many keys.
func update(keys int) func(rng *rand.Rand) (key, value string) {
	return func(rng *rand.Rand) (key, value string) {
		key = strconv.Itoa(rng.IntN(keys))
		return key, fmt.Sprintf(`{"key": %q, "n": %d, "echo": 1}`, key, rng.IntN(1_000_000_000))
	}
}

// survivor is a contender with much state.
type survivor struct {
	*running

	stage     *stage
	contender contender
	in, out   string
	dir       string
}

// fill starts the contender and returns when each key has its state.
func (s *stage) fill(ctx context.Context, c contender, in string, keys int) (*survivor, error) {
	out, err := s.output(ctx, c.name)
	if err != nil {
		return nil, err
	}
	records, err := s.ends(ctx, in)
	if err != nil {
		return nil, err
	}
	v := &survivor{stage: s, contender: c, in: in, out: out, dir: s.stateOf(out)}
	if v.running, err = s.launch(ctx, c, in, out); err != nil {
		return nil, err
	}
	fmt.Printf("Recovery: %s takes them in ...\n", c.title)
	echoed := records.sum() - int64(keys) + int64((keys+echoes-1)/echoes)
	if _, err := s.await(ctx, v.running, out, echoed); err != nil {
		v.stop()
		return nil, err
	}
	return v, nil
}

// feedOn sends updates until the function that it returns is called.
func (v *survivor) feedOn(ctx context.Context, keys int) (stop func() error, err error) {
	f, err := newFeed(v.stage.brokers, v.in, update(keys))
	if err != nil {
		return nil, err
	}
	return f.endless(ctx, updates), nil
}

// comeBack kills the contender, does something to what it left, starts it again and waits until it writes.
func (v *survivor) comeBack(ctx context.Context, title string, prepare func() error) (comeback, error) {
	fmt.Printf("Recovery: %s ...\n", title)
	v.kill()
	back := comeback{title: title, disk: sizeOf(v.dir)}
	if err := prepare(); err != nil {
		return back, err
	}
	ends, err := v.stage.ends(ctx, v.out)
	if err != nil {
		return back, err
	}
	consumer, err := v.stage.reader(v.out, ends)
	if err != nil {
		return back, err
	}
	defer consumer.Close() //nolint:errcheck // all that was wanted has been read
	began := time.Now()
	if v.running, err = v.stage.launch(ctx, v.contender, v.in, v.out); err != nil {
		return back, err
	}
	seen := map[int32]bool{}
	for len(seen) < partitions {
		m, err := v.next(ctx, consumer, began)
		if err != nil {
			return back, err
		}
		if len(seen) == 0 {
			back.first = time.Since(began)
		}
		seen[m.TopicPartition.Partition] = true
	}
	back.all = time.Since(began)
	return back, nil
}

// next is a committed record that came into the topic after the contender had been started.
func (v *survivor) next(ctx context.Context, consumer *kafka.Consumer, began time.Time) (*kafka.Message, error) {
	for time.Since(began) < patience {
		switch event := consumer.Poll(int(tick.Milliseconds())).(type) {
		case *kafka.Message:
			if event.Timestamp.After(began) {
				return event, nil
			}
		case kafka.Error:
			return nil, fmt.Errorf("read %s: %w", v.out, event)
		}
		select {
		case <-v.ended:
			return nil, fmt.Errorf("%s ended before it had come back; see %s", v.contender.title, v.log)
		case <-ctx.Done():
			return nil, ctx.Err()
		default:
		}
	}
	return nil, fmt.Errorf("%s did not come back within %s; see %s", v.contender.title, patience, v.log)
}

func (v *survivor) keepDisk() error { return nil }

func (v *survivor) wipeDisk() error {
	if err := os.RemoveAll(v.dir); err != nil {
		return fmt.Errorf("empty the disk of %s: %w", v.contender.title, err)
	}
	return nil
}

func (s *stage) oursComesBack(ctx context.Context, in string, keys int) ([]comeback, error) {
	snapshots := filepath.Join(s.dir, "snapshots")
	if err := os.Mkdir(snapshots, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for snapshots: %w", err)
	}
	// Who comes back has the name of its predecessor, also on an empty disk: it need not wait until that counts as dead.
	c := contender{"kept", "pyudf", ours("kept.py", "--guarantee", exactlyOnce, "--commit-interval", commits,
		"--node", "bench", "--snapshots", snapshots, "--snapshot-interval", snapshotEvery.String())}
	v, err := s.fill(ctx, c, in, keys)
	if err != nil {
		return nil, err
	}
	defer func() { v.stop() }() // whichever runs by then
	stop, err := v.feedOn(ctx, keys)
	if err != nil {
		return nil, err
	}
	defer stop() //nolint:errcheck // it is looked at below where nothing else went wrong
	if err := v.awaitSnapshot(ctx, snapshots); err != nil {
		return nil, err
	}
	local, err := v.comeBack(ctx, "pyudf, on its local disk", v.keepDisk)
	if err != nil {
		return nil, err
	}
	local.budget = 5 * time.Second
	empty, err := v.comeBack(ctx, "pyudf, on an empty disk", v.wipeDisk)
	if err != nil {
		return nil, err
	}
	empty.budget = 20 * time.Second
	return []comeback{local, empty}, stop()
}

// awaitSnapshot returns once each partition has a snapshot so young that the state of all keys is in it.
func (v *survivor) awaitSnapshot(ctx context.Context, dir string) error {
	filled := time.Now()
	fmt.Println("Recovery: waiting for snapshots of all keys ...")
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for time.Since(filled) < patience {
		if snapshotsSince(dir, filled.Add(snapshotEvery)) == partitions {
			return nil
		}
		select {
		case <-ticker.C:
		case <-v.ended:
			return errors.New("the run has ended; see " + v.log)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("no snapshots came to %s within %s; see %s", dir, patience, v.log)
}

// snapshotsSince is how many stores have a snapshot that was finished after a moment. Its manifest is written last.
func snapshotsSince(dir string, moment time.Time) int {
	young := map[string]bool{}
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		manifests := filepath.Dir(path)
		if err != nil || entry.IsDir() || filepath.Base(manifests) != "manifests" {
			return nil //nolint:nilerr // a file that is deleted meanwhile is not young
		}
		if info, err := entry.Info(); err == nil && info.ModTime().After(moment) {
			young[manifests] = true
		}
		return nil
	})
	return len(young)
}

func (s *stage) streamsComesBack(ctx context.Context, c contender, in string, keys int) (comeback, error) {
	v, err := s.fill(ctx, c, in, keys)
	if err != nil {
		return comeback{}, err
	}
	defer func() { v.stop() }() // whichever runs by then
	stop, err := v.feedOn(ctx, keys)
	if err != nil {
		return comeback{}, err
	}
	defer stop() //nolint:errcheck // it is looked at below where nothing else went wrong
	back, err := v.comeBack(ctx, streamsTitle+", on an empty disk", v.wipeDisk)
	if err != nil {
		return comeback{}, err
	}
	return back, stop()
}

// against is the time to the first record as a multiple of Kafka Streams', which is the last if it is here.
func (c comeback) against(shown []comeback) string {
	last := shown[len(shown)-1]
	if !strings.HasPrefix(last.title, streamsTitle) {
		return "not here"
	}
	return fmt.Sprintf("%.2f", c.first.Seconds()/last.first.Seconds())
}

func printRecovery(w io.Writer, shown []comeback, keys int) {
	fmt.Fprintf(w, "\nComing back after kill -9 with %d keys, 100 bytes each, until records can be read again:\n\n", keys)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, fmt.Sprintf("%-36s", "contender")+"\tfirst s\tx "+streamsTitle+"\tbudget\tall s\tdisk MB\t")
	for _, c := range shown {
		fmt.Fprintf(table, "%-36s\t%.1f\t%s\t%s\t%.1f\t%d\t\n", c.title, c.first.Seconds(), c.against(shown),
			budget(c.first.Seconds(), c.budget.Seconds()), c.all.Seconds(), c.disk)
	}
	_ = table.Flush()
	fmt.Fprintf(w, `
first     until the first record, all until one in each partition
disk MB   what the state held on the local disk when its process was killed
Up to the kill and after it %d records a second came in, and pyudf took a snapshot each %s.
`, updates, snapshotEvery)
}
