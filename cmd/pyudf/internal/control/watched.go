package control

import (
	"io/fs"
	"log/slog"
	"os"
	"sync"
)

// watched is what some files say, read again when one of them has changed. What cannot be read leaves what was before.
type watched[T any] struct {
	paths  []string
	read   func() (T, error)
	logger *slog.Logger

	mu    sync.Mutex // guards the fields below
	seen  []fs.FileInfo
	value T
}

// watch reads files for the first time.
func watch[T any](logger *slog.Logger, read func() (T, error), paths ...string) (*watched[T], error) {
	w := &watched[T]{paths: paths, read: read, logger: logger}
	w.seen = w.look()
	var err error
	w.value, err = read()
	return w, err
}

// get returns what the files say.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.look()
	if same(now, w.seen) {
		return w.value
	}
	w.seen = now
	value, err := w.read()
	if err != nil {
		w.logger.Error("a file changed and cannot be used: what it said before counts until it is mended", "files", w.paths, "cause", err)
		return w.value
	}
	w.logger.Info("a file changed and was read again", "files", w.paths)
	w.value = value
	return value
}

// look returns how the files are, nil for one that is not there.
func (w *watched[T]) look() []fs.FileInfo {
	infos := make([]fs.FileInfo, len(w.paths))
	for i, path := range w.paths {
		if info, err := os.Stat(path); err == nil {
			infos[i] = info
		}
	}
	return infos
}

func same(a, b []fs.FileInfo) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) {
			return false
		}
		if a[i] == nil {
			continue
		}
		if !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) || a[i].Mode() != b[i].Mode() {
			return false
		}
	}
	return true
}
