package snapshot_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/snapshot"
)

func TestAPlaceThatIsNotThereIsRefusedByName(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	_, err := snapshot.Open(t.Context(), nowhere, snapshot.Config{})
	mention(t, err, nowhere, "create or mount it")
	_, err = snapshot.Open(t.Context(), "file://"+nowhere, snapshot.Config{})
	mention(t, err, nowhere, "create or mount it")
	_, err = snapshot.Open(t.Context(), startServer(t).named("absent"), snapshot.Config{})
	mention(t, err, "s3://absent", "make sure that the bucket is there")
}

func TestPlacesThatCannotBeAreRefusedByName(t *testing.T) {
	for where, words := range map[string][]string{
		"file://host/path":         {"file:///path"},
		"ftp://bucket":             {"ftp://", "s3://"},
		"gs://bucket/prefix":       {"-tags clouds"},
		"s3://b?shade=1":           {"shade"},
		"s3://bu cket":             {"s3://bucket/prefix"},
		"s3://?region=us-east-1":   {"bucket"},
		filepath.Join("a", "file"): {"create or mount it"},
	} {
		_, err := snapshot.Open(t.Context(), where, snapshot.Config{})
		mention(t, err, words...)
	}
}

func TestADirectoryIsAlsoNamedByAURL(t *testing.T) {
	dir := t.TempDir()
	by, err := snapshot.Open(t.Context(), "file://"+filepath.ToSlash(dir), snapshot.Config{})
	if err != nil {
		t.Fatal(err)
	}
	take(t, by, "a", 1, grown(1))
	if found, err := filepath.Glob(filepath.Join(dir, "a", "manifests", "*.json")); len(found) != 1 || err != nil {
		t.Errorf("%q, %v", found, err)
	}
	if err := by.Close(); err != nil {
		t.Error(err)
	}
}

func TestWrongCredentialsAreSaidToBe(t *testing.T) {
	s := startServer(t)
	right, err := snapshot.Open(t.Context(), s.url(), snapshot.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "no secret"} {
		t.Setenv(name, value)
		_, err := snapshot.Open(t.Context(), s.url(), snapshot.Config{})
		mention(t, err, "s3://state", "credentials of this machine are right")
	}
	take(t, right, "a", 1, grown(1)) // what is open goes on
	if err := right.Close(); err != nil {
		t.Error(err)
	}
}

func TestAMachineWithoutCredentialsIsToldSo(t *testing.T) {
	s := startServer(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, err := snapshot.Open(t.Context(), s.url(), snapshot.Config{})
	mention(t, err, "s3://state", "credentials")
}

func TestAFullBucketIsSaidToBeAndTheNextSnapshotGoesOn(t *testing.T) {
	server := startServer(t)
	s, err := snapshot.Open(t.Context(), server.url(), snapshot.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // nothing is kept
	take(t, s, "a", 1, grown(1))
	var room atomic.Int32
	room.Store(1)
	server.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || room.Add(-1) >= 0 {
			return false
		}
		http.Error(w, "no room", http.StatusInsufficientStorage)
		return true
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	mention(t, taken(ctx, t, s, grown(4)), "s3://state", "make room")
	expect(t, s, "a", 0, grown(1))
	room.Store(1000)
	take(t, s, "a", 2, grown(4))
	expect(t, s, "a", 2, grown(4))
}

func TestAServerThatIsAwayIsAnErrorAndNotAStoreWithoutSnapshots(t *testing.T) {
	server := startServer(t)
	s, err := snapshot.Open(t.Context(), server.url(), snapshot.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // nothing is kept
	take(t, s, "a", 1, grown(1))
	server.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("list-type") {
			return false
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return false
		}
		_ = conn.Close()
		return true
	})
	found, err := s.Restore(t.Context(), "a", 0, t.TempDir(), func(_, _ int64) {})
	mention(t, err, "s3://state", "make sure that it can be reached")
	if found {
		t.Error("found what is out of reach")
	}
	server.answer(func(http.ResponseWriter, *http.Request) bool { return false })
	expect(t, s, "a", 1, grown(1))
}

func TestAConnectionThatBreaksInAFileIsTriedAgain(t *testing.T) {
	server := startServer(t)
	s, err := snapshot.Open(t.Context(), server.url(), snapshot.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // nothing is kept
	take(t, s, "a", 1, grown(0))
	var breaks atomic.Int32
	server.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/files/") || breaks.Add(1) > 2 {
			return false
		}
		w.Header().Set("Content-Length", "70000")
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		_, _ = w.Write(make([]byte, 1000))
		panic(http.ErrAbortHandler)
	})
	expect(t, s, "a", 1, content{"CURRENT": "the 0", "marker": "", "000000.sst": grown(0)["000000.sst"]})
	if breaks.Load() < 3 {
		t.Errorf("%d connections broke", breaks.Load())
	}
}
