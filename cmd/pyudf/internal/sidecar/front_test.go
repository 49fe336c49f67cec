package sidecar

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// socketDir is a directory with a short path.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pyudf") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func listening(t *testing.T, path string) net.Listener {
	t.Helper()
	listener, err := listenSocket(t.Context(), path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // the test may have
	return listener
}

func connect(t *testing.T, path string) net.Conn {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() }) // the test may have
	return connection
}

// led returns a front and the worker's ends of its connections.
func led(t *testing.T) (f *front, path string, workers net.Listener) {
	t.Helper()
	dir := socketDir(t)
	path = filepath.Join(dir, "engine.sock")
	workers = listening(t, filepath.Join(dir, "worker.sock"))
	f = newFront(listening(t, path), slog.New(slog.DiscardHandler))
	f.lead(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "worker.sock"))
	})
	t.Cleanup(func() {
		f.shut()
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		f.flush(gone)
	})
	return f, path, workers
}

func accepted(t *testing.T, from net.Listener) net.Conn {
	t.Helper()
	connection, err := from.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() }) // the test may have
	return connection
}

func TestTheLastAnswersOfAWorkerReachItsEngineHoweverMuchThatStillAsks(t *testing.T) {
	_, path, workers := led(t)
	engine := connect(t, path)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _ = engine.Write(bytes.Repeat([]byte("?"), 4<<20)) // nobody reads it, and the worker ends
	}()
	worker := accepted(t, workers)
	last := bytes.Repeat([]byte("!"), 1<<20)
	go func() {
		_, _ = worker.Write(last)
		_ = worker.Close() // with requests unread
	}()
	got := make([]byte, len(last))
	if _, err := io.ReadFull(engine, got); err != nil || !bytes.Equal(got, last) {
		t.Errorf("%d bytes came (%v)", bytes.Count(got, []byte("!")), err)
	}
	_ = engine.Close() // it has all
	<-asked
}

func TestAWorkerLearnsThatItsEngineIsGone(t *testing.T) {
	f, path, workers := led(t)
	engine := connect(t, path)
	if _, err := engine.Write([]byte("?")); err != nil {
		t.Fatal(err)
	}
	worker := accepted(t, workers)
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(worker); string(got) != "?" || err != nil {
		t.Errorf("got %q (%v)", got, err)
	}
	left := <-f.left
	if f.hasFrom(left) {
		t.Error("there is an engine from before")
	}
	connect(t, path)
	accepted(t, workers)
	if f.hasFrom(left) || !f.hasFrom(time.Now()) {
		t.Error("an engine that came after is none from before")
	}
}

func TestAConnectionEndsWhereThereIsNoWorker(t *testing.T) {
	f, path, _ := led(t)
	f.lead(nil)
	if _, err := connect(t, path).Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // a connection's own
		t.Errorf("got %v", err)
	}
}

func TestASocketHasItsModeAndGoesWithItsWorker(t *testing.T) {
	path := filepath.Join(socketDir(t), "w.sock")
	listener, err := listenSocket(t.Context(), path, 0o660)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Fatalf("got %v (%v)", info.Mode(), err)
	}
	if _, err := listenSocket(t.Context(), path, 0o600); err == nil || !strings.Contains(err.Error(), "another worker listens there") {
		t.Errorf("got %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
		t.Errorf("%v is left (%v)", entries, err)
	}
}

func TestASocketThatADeadWorkerLeftIsReplacedAndAFileIsNot(t *testing.T) {
	path := filepath.Join(socketDir(t), "w.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	_ = left.Close() // what is left of it is tested
	if err := listening(t, path).Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("results"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenSocket(t.Context(), path, 0o600); err == nil || !strings.Contains(err.Error(), "there is a file that is no socket") {
		t.Errorf("got %v", err)
	}
	if _, err := listenSocket(t.Context(), "/tmp/"+strings.Repeat("x", 110), 0o600); err == nil || !strings.Contains(err.Error(), "name a shorter one") {
		t.Errorf("got %v", err)
	}
}

func TestPausesGrowWhileWorkersEndSoonAndBeginAnewBehindOneThatLived(t *testing.T) {
	var p pause
	var got []time.Duration
	for _, lived := range []time.Duration{0, 0, 0, time.Hour, 0} {
		got = append(got, p.after(lived)/time.Millisecond)
	}
	for i, want := range []time.Duration{100, 200, 400, 100, 200} {
		if got[i] != want {
			t.Fatalf("got %v", got)
		}
	}
	for range 20 {
		p.after(0)
	}
	if longest := p.after(0); longest != longestPause {
		t.Errorf("the longest pause is %s", longest)
	}
}
