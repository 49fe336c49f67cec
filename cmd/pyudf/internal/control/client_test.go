package control_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

func TestWhereNobodyListensTheClientSaysWhatToDo(t *testing.T) {
	url := "http://" + freeAddr(t)
	_, err := dial(t, control.ClientConfig{URL: url}).Node(t.Context())
	if !errors.Is(err, control.ErrNobody) || outcome.Code(err) != outcome.Mend || control.IsAnswer(err) {
		t.Errorf("got %v", err)
	}
	says(t, err, "nobody listens at "+url+": start a node with `pyudf engine` or `pyudf dev`, or name one with --engine")
}

func TestAnAddressMayLackItsScheme(t *testing.T) {
	for given, want := range map[string]string{
		"":                         "http://127.0.0.1:9191",
		"127.0.0.1:9191":           "http://127.0.0.1:9191",
		"localhost:1":              "http://localhost:1",
		"[::1]:1":                  "http://[::1]:1",
		"engine-1:9191":            "https://engine-1:9191",
		"https://engine-1:9191/":   "https://engine-1:9191",
		"https://example/pyudf/a/": "https://example/pyudf/a",
	} {
		if got := dial(t, control.ClientConfig{URL: given}).URL(); got != want {
			t.Errorf("%s is %s, want %s", given, got, want)
		}
	}
	for _, wrong := range []string{"engine", "ftp://engine:1", "http://", "http://a b:1"} {
		_, err := control.Dial(control.ClientConfig{URL: wrong})
		says(t, err, "is no address of a node: write one such as http://127.0.0.1:9191")
	}
	_, err := control.Dial(control.ClientConfig{URL: "https://ann:secret@engine:1"})
	says(t, err, "has a name or password in it")
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error has the password: %v", err)
	}
}

func TestATokenIsNotSentInPlainTextThroughTheNetwork(t *testing.T) {
	_, err := control.Dial(control.ClientConfig{URL: "http://engine-1:9191", Token: "pyudf_x"})
	says(t, err, "the token would go through the network in plain text: use https://")
}

func TestWhatIsNoNodeIsToldSo(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	_, err := dial(t, control.ClientConfig{URL: other.URL}).List(t.Context())
	says(t, err, "what answers at "+other.URL+" (HTTP 404) is no node of pyudf: name one with --engine")
	if outcome.Code(err) != outcome.Mend {
		t.Errorf("the user need not mend %v", err)
	}
}

func TestANodeThatBreaksOffIsToldSo(t *testing.T) {
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Pyudf-Protocol", "1")
		w.Header().Set("Content-Type", "application/proto")
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(broken.Close)
	_, err := dial(t, control.ClientConfig{URL: broken.URL}).List(t.Context())
	says(t, err, "the connection to the node at "+broken.URL+" broke: ")
	if outcome.Code(err) != outcome.Failed || control.IsAnswer(err) {
		t.Errorf("got %v", err)
	}
}

func TestATokenIsNotTakenElsewhere(t *testing.T) {
	taken := make(chan string, 1)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { taken <- r.Header.Get("Authorization") }))
	t.Cleanup(elsewhere.Close)
	sending := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Pyudf-Protocol", "1")
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(sending.Close)
	if _, err := dial(t, control.ClientConfig{URL: sending.URL, Token: "pyudf_x"}).List(t.Context()); err == nil {
		t.Error("the client went elsewhere")
	}
	select {
	case token := <-taken:
		t.Errorf("the client went elsewhere with %q", token)
	default:
	}
}
