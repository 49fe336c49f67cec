package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRecoveryIsComparedWithKafkaStreamsWhereThatIsHere(t *testing.T) {
	ours := comeback{title: "pyudf", first: 6 * time.Second, all: 7 * time.Second, budget: 5 * time.Second, disk: 10}
	theirs := comeback{title: streamsTitle, first: 60 * time.Second, all: 61 * time.Second, disk: 20}
	for row, shown := range map[string][]comeback{
		"pyudf 6.0 0.10 5, OVER 7.0 10":     {ours, theirs},
		"pyudf 6.0 not here 5, OVER 7.0 10": {ours},
	} {
		var out strings.Builder
		printRecovery(&out, shown, 1000)
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), row) {
			t.Errorf("no row %q in\n%s", row, out.String())
		}
	}
}

func TestASnapshotOfEachPartitionIsWaitedFor(t *testing.T) {
	dir, moment := t.TempDir(), time.Now()
	write := func(name string, at time.Time) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	write("a/manifests/1.json", moment.Add(-time.Second))
	write("a/files/1", moment.Add(time.Second))
	write("b/manifests/1.json", moment.Add(time.Second))
	write("b/manifests/2.json", moment.Add(2*time.Second))
	if got := snapshotsSince(dir, moment); got != 1 {
		t.Errorf("%d stores have a young snapshot, want 1", got)
	}
}
