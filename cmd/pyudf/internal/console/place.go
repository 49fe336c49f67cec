package console

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// What there may be in a slot.
const (
	// addressFile has the path of the socket: it is named when somebody listens there.
	addressFile      = "address"
	socketName       = "socket"
	checkpointPrefix = "checkpoint-"
	// elsewherePrefix begins the directories of sockets whose slot has too long a path.
	elsewherePrefix = "pyudf-"
)

// longest is how long the path of a socket may be: systems allow 104 bytes and more.
const longest = 100

// place is where a slot's socket is.
type place struct {
	slot   string
	socket string
}

// listen listens in a slot, or, if its path is too long for a socket, in a directory of its own among temporary files.
func listen(ctx context.Context, slot string) (at place, listener net.Listener, err error) {
	if slot, err = filepath.Abs(slot); err != nil {
		return place{}, nil, err
	}
	at = place{slot, filepath.Join(slot, socketName)}
	if len(at.socket) > longest {
		dir, err := os.MkdirTemp("", elsewherePrefix)
		if err != nil {
			return place{}, nil, err
		}
		at.socket = filepath.Join(dir, socketName)
	}
	var config net.ListenConfig
	if listener, err = config.Listen(ctx, "unix", at.socket); err != nil {
		return place{}, nil, errors.Join(err, at.remove())
	}
	if err = errors.Join(os.Chmod(at.socket, 0o600), at.announce()); err != nil {
		return place{}, nil, errors.Join(err, listener.Close(), at.remove())
	}
	return at, listener, nil
}

// announce names the socket, at once.
func (p place) announce() error {
	path := filepath.Join(p.slot, addressFile)
	if err := os.WriteFile(path+".new", []byte(p.socket), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// find returns the place that was announced in a slot; fs.ErrNotExist if none was.
func find(slot string) (place, error) {
	socket, err := os.ReadFile(filepath.Join(slot, addressFile))
	return place{slot, string(socket)}, err
}

// remove leaves nothing of a place, be it whole or not.
func (p place) remove() error {
	errs := []error{os.Remove(filepath.Join(p.slot, addressFile)), os.Remove(p.socket)}
	if dir := filepath.Dir(p.socket); strings.HasPrefix(filepath.Base(dir), elsewherePrefix) && dir != p.slot {
		errs = append(errs, os.Remove(dir))
	}
	for i, err := range errs {
		if errors.Is(err, fs.ErrNotExist) {
			errs[i] = nil
		}
	}
	return errors.Join(errs...)
}

// sweep removes what a process left in a slot when it died.
func sweep(slot string) error {
	var errs []error
	at, err := find(slot)
	if err == nil {
		errs = append(errs, at.remove())
	} else if !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	left, err := filepath.Glob(filepath.Join(slot, checkpointPrefix+"*"))
	errs = append(errs, err)
	for _, dir := range left {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
