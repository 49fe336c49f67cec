package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// dirLock keeps a second broker away from a data directory. It falls with the process, however that ends.
type dirLock struct {
	file *os.File
}

// lockDir creates the directory if need be and takes its lock; a directory without a name needs none.
func lockDir(dir string) (*dirLock, error) {
	if dir == "" {
		return &dirLock{}, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &dirLock{file: file}, nil
	}
	closed := file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s is in use by another broker: stop it, or choose another data directory", dir)
	}
	return nil, errors.Join(fmt.Errorf("locking the data directory %s: %w", dir, err), closed)
}

func (l *dirLock) release() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
