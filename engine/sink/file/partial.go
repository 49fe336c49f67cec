package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// partial is a file in the making.
type partial struct {
	*os.File
	path string
}

func createPartial(path string) (*partial, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("there is something of that name that is no file")
	}
	name := path + ".partial"
	if err := keep(name); err != nil {
		return nil, explain(err)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, explain(err)
	}
	return &partial{file, path}, nil
}

// keep gives what an earlier run has left at name another name: its records may have been committed as delivered.
func keep(name string) error {
	if _, err := os.Lstat(name); err != nil {
		return nil //nolint:nilerr // nothing is there, or opening it will say what is wrong
	}
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s-%d", name, n)
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(name, aside)
		} else if err != nil {
			return err
		}
	}
}

// publish gives the complete file its name, and closes it.
func (p *partial) publish() error {
	if err := errors.Join(p.Sync(), p.Close()); err != nil {
		return err
	}
	if err := os.Rename(p.Name(), p.path); err != nil {
		return err
	}
	// The directory is written to disk too, else the name may be lost with the power. Some file systems refuse.
	if directory, err := os.Open(filepath.Dir(p.path)); err == nil {
		_ = directory.Sync()
		_ = directory.Close()
	}
	return nil
}

// explain says in a sentence what the usual errors of a file system mean.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("the disk is full; free some space and run again: %w", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no such directory; create it first: %w", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("this user may not write there: %w", err)
	default:
		return err
	}
}
