package control

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestAConnectionThatSaysNothingIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		f := &fork{done: make(chan struct{})}
		began := time.Now()
		go f.part(there)
		if _, err := here.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // a pipe gives EOF itself
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != headerTimeout {
			t.Errorf("it took %s", took)
		}
	})
}
