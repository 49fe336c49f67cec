package control_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/control/controltest"
)

// journal is what a node logged.
type journal struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// node is a server on a port of its own.
type node struct {
	*control.Server

	engine *controltest.Engine
	log    *journal
	tokens string
}

// serve starts a node that is closed at the end of the test.
func serve(t *testing.T, config control.ServerConfig) *node {
	t.Helper()
	n := &node{log: &journal{}, engine: &controltest.Engine{App: "heat"}, tokens: config.Tokens}
	if config.Engine == nil {
		config.Engine = n.engine
	}
	if config.Addr == "" {
		config.Addr = "127.0.0.1:0"
	}
	config.Version = "1.2.3"
	config.Logger = slog.New(slog.NewTextHandler(n.log, nil))
	var err error
	if n.Server, err = control.Start(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := n.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return n
}

// dial returns a client of a node.
func dial(t *testing.T, config control.ClientConfig) *control.Client {
	t.Helper()
	if config.Version == "" {
		config.Version = "1.2.3"
	}
	client, err := control.Dial(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// tokenFile writes a tokens file with a token of each role, and returns the tokens by their roles.
func tokenFile(t *testing.T) (path string, tokens map[control.Role]string) {
	t.Helper()
	tokens = map[control.Role]string{}
	var lines []string
	for role, name := range map[control.Role]string{control.Viewer: "vera", control.Deployer: "dan", control.Admin: "ann"} {
		token, line, err := control.NewToken(name, role)
		if err != nil {
			t.Fatal(err)
		}
		tokens[role] = token
		lines = append(lines, line)
	}
	path = filepath.Join(t.TempDir(), "tokens")
	writeTokens(t, path, lines...)
	return path, tokens
}

func writeTokens(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// answer is what came of a request.
type answer struct {
	code int
	text string
	http.Header
}

// post sends JSON as curl does.
func post(t *testing.T, url, body string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
	}
	return send(t, request)
}

// get reads a page as a probe does.
func get(t *testing.T, url string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, request)
}

func send(t *testing.T, request *http.Request) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(text), response.Header}
}

// service is the path of the calls.
const service = "/pyudf.control.v1.ControlService/"

// says fails unless an error has all of some texts.
func says(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("nothing went wrong, want %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %q, want %q in it", err, text)
		}
	}
}

// freeAddr returns an address where nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // nobody used it
	return listener.Addr().String()
}
