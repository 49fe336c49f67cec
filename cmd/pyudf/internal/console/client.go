package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"syscall"

	"github.com/pyudf/pyudf/engine/status"
)

// ErrNobody says that no process serves in a slot.
var ErrNobody = errors.New("no process runs there")

// Status asks the process of a slot how its run is.
func Status(ctx context.Context, slot string) (status.Run, error) {
	var run status.Run
	err := ask(ctx, slot, "GET", "/v1/status", &run)
	return run, err
}

// Checkpoint has the process of a slot make a copy of its stores, each under its name below the directory that is returned.
// That is the caller's to remove.
func Checkpoint(ctx context.Context, slot string) (dir string, err error) {
	var answer checkpointed
	if err := ask(ctx, slot, "POST", "/v1/checkpoint", &answer); err != nil {
		return "", err
	}
	if answer.Error != "" {
		return "", fmt.Errorf("the process that runs the app cannot copy its state: %s", answer.Error)
	}
	return answer.Dir, nil
}

// ask reads the answer of the process in a slot. ErrNobody if there is none.
func ask(ctx context.Context, slot, method, path string, into any) error {
	at, err := find(slot)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNobody
	}
	if err != nil {
		return fmt.Errorf("look for a process in %s: %w", slot, err)
	}
	var dialer net.Dialer
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", at.socket)
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, method, "http://console"+path, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return ErrNobody // it died
	}
	if err != nil {
		return fmt.Errorf("ask the process in %s: %w", slot, err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("the answer of the process in %s: %w; it may be of another version of pyudf: use the pyudf that runs it", slot, err)
	}
	return nil
}
