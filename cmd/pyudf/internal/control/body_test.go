package control

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pyudf/pyudf/proto/pyudf/control/v1/controlv1connect"
)

// answering serves a handler behind a guard, sends it a call with as much of its body of two bytes as is given, and returns
// the code of the answer. It has to be called in a bubble.
func answering(t *testing.T, handler http.HandlerFunc, header, body string) (code int) {
	t.Helper()
	config := ServerConfig{Logger: slog.New(slog.DiscardHandler)}
	config.ensureDefaults()
	gate, err := newGuard(&config)
	if err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	over := make(chan struct{})
	listener := &branch{addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, conns: make(chan net.Conn, 1), done: over}
	listener.conns <- there
	s := &Server{logger: config.Logger}
	server := s.server(gate.wrap(handler))
	go func() { _ = server.Serve(listener) }() // it ends with the test
	t.Cleanup(func() { close(over); _, _ = server.Close(), here.Close() })
	fmt.Fprintf(here, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n%s\r\n%s",
		controlv1connect.ControlServiceListProcedure, header, body)
	response, err := http.ReadResponse(bufio.NewReader(here), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // there is none
	return response.StatusCode
}

func TestABodyThatStallsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		code := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
			}
		}, "", "{")
		if took := time.Since(began); code != http.StatusRequestTimeout || took != bodyTimeout {
			t.Errorf("got %d after %s", code, took)
		}
	})
}

func TestABodyThatNobodyReadsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		code := answering(t, func(http.ResponseWriter, *http.Request) {}, "", "{")
		if took := time.Since(began); code != http.StatusOK || took != bodyTimeout {
			t.Errorf("got %d after %s", code, took)
		}
	})
}

func TestWhoWaitsToBeLetInIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		refuse := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
		code := answering(t, refuse, "Expect: 100-continue\r\n", "")
		if took := time.Since(began); code != http.StatusForbidden || took != 0 {
			t.Errorf("got %d after %s", code, took)
		}
	})
}

func TestACallMayLastLongerThanItsBodyMayPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		code := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Error(err)
			}
			select {
			case <-r.Context().Done():
				w.WriteHeader(http.StatusGone)
			case <-time.After(time.Hour):
			}
		}, "", "{}")
		if code != http.StatusOK {
			t.Errorf("got %d", code)
		}
	})
}
