package control_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// calls makes each call of the API once, and returns what came of it by the call's name.
func calls(ctx context.Context, c *control.Client) map[string]error {
	came := map[string]error{}
	silent := func(string) {}
	_, came["GetNode"] = c.Node(ctx)
	_, came["Deploy"] = c.Deploy(ctx, &controlv1.DeployRequest{Bundle: []byte("zip")}, silent)
	_, came["List"] = c.List(ctx)
	_, came["Status"] = c.Status(ctx, &controlv1.StatusRequest{})
	came["Logs"] = c.Logs(ctx, &controlv1.LogsRequest{Deployment: "heat"}, func(*controlv1.LogsResponse) error { return nil })
	_, came["Rollback"] = c.Rollback(ctx, &controlv1.RollbackRequest{Name: "heat", Version: 1}, silent)
	_, came["Stop"] = c.Stop(ctx, "heat")
	_, came["Start"] = c.Start(ctx, "heat")
	_, _ = c.Stop(ctx, "heat") // so that it can be deleted
	came["Delete"] = c.Delete(ctx, "heat")
	return came
}

func TestEachRoleMayDoWhatTheProtoSays(t *testing.T) {
	path, tokens := tokenFile(t)
	for role, may := range map[control.Role]string{
		control.Viewer:   "GetNode List Status Logs",
		control.Deployer: "GetNode List Status Logs Deploy Rollback Stop Start",
		control.Admin:    "GetNode List Status Logs Deploy Rollback Stop Start Delete",
	} {
		n := serve(t, control.ServerConfig{Tokens: path})
		came := calls(t.Context(), dial(t, control.ClientConfig{URL: n.URL(), Token: tokens[role]}))
		methods := controlv1.File_pyudf_control_v1_control_proto.Services().ByName("ControlService").Methods()
		for i := range methods.Len() {
			name := string(methods.Get(i).Name())
			err, called := came[name]
			if !called {
				t.Fatalf("the test does not know the call %s", name)
			}
			allowed := strings.Contains(" "+may+" ", " "+name+" ")
			if denied := err != nil && strings.Contains(err.Error(), " takes the role "); denied == allowed || (allowed && err != nil) {
				t.Errorf("%s as %s: %v", name, role, err)
			}
		}
	}
}

func TestAWrongTokenIsToldFromNoneAndFromOneOfAnotherRole(t *testing.T) {
	path, tokens := tokenFile(t)
	n := serve(t, control.ServerConfig{Tokens: path})
	for token, want := range map[string]string{
		"":                     "this node asks for a token, and none came: give one with --token-file FILE or $PYUDF_TOKEN",
		"pyudf_wrong":          "the token is none of this node's: look at --token-file or $PYUDF_TOKEN",
		tokens[control.Viewer]: "the token vera has the role viewer, and this takes the role deployer",
	} {
		_, err := dial(t, control.ClientConfig{URL: n.URL(), Token: token}).Stop(t.Context(), "heat")
		says(t, err, want)
		if outcome.Code(err) != outcome.Mend {
			t.Errorf("the user need not mend %v", err)
		}
	}
	if asked := n.engine.Asked(); len(asked) > 0 {
		t.Errorf("the engine was asked for %v", asked)
	}
	if strings.Contains(n.log.String(), "pyudf_wrong") {
		t.Errorf("the log has the token: %s", n.log)
	}
	if got := post(t, n.URL()+service+"List", "{}"); got.code != http.StatusUnauthorized || got.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("curl gets %v", got)
	}
	if got := post(t, n.URL()+service+"Delete", "{}", "Authorization", "Bearer "+tokens[control.Viewer]); got.code != http.StatusForbidden {
		t.Errorf("curl gets %v", got)
	}
	if got := post(t, n.URL()+service+"List", "{}", "Authorization", "Basic "+tokens[control.Viewer]); got.code != http.StatusUnauthorized {
		t.Errorf("curl gets %v", got)
	}
}

func TestTheEngineLearnsWhoAsks(t *testing.T) {
	path, tokens := tokenFile(t)
	n := serve(t, control.ServerConfig{Tokens: path})
	if _, err := dial(t, control.ClientConfig{URL: n.URL(), Token: tokens[control.Deployer]}).Deploy(t.Context(), &controlv1.DeployRequest{Bundle: []byte("zip")}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if asked := n.engine.Asked(); len(asked) != 1 || asked[0] != "deploy by dan" {
		t.Errorf("with a token: %v", asked)
	}
	open := serve(t, control.ServerConfig{})
	post(t, open.URL()+service+"Stop", `{"name":"heat"}`, "Pyudf-User", "eve")
	post(t, open.URL()+service+"Stop", `{"name":"heat"}`, "Pyudf-User", "e v\te")
	asked := open.engine.Asked()
	if len(asked) != 2 || asked[0] != "stop by eve" || strings.Contains(asked[1], "e v") {
		t.Errorf("without tokens: %v", asked)
	}
}

func TestAWebPageMayNotCallANodeOfThisMachine(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	for name, headers := range map[string][]string{
		"a name that leads here":    {"Host", "evil.example:9191"},
		"a page of another place":   {"Origin", "https://evil.example"},
		"a browser that says so":    {"Sec-Fetch-Site", "cross-site"},
		"a page without an origin":  {"Origin", "null"},
		"a form, which needs no OK": {"Content-Type", "text/plain"},
	} {
		got := post(t, n.URL()+service+"Stop", `{"name":"heat"}`, headers...)
		if got.code != http.StatusForbidden && got.code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %v", name, got)
		}
	}
	if asked := n.engine.Asked(); len(asked) > 0 {
		t.Errorf("the engine was asked for %v", asked)
	}
	if got := post(t, strings.Replace(n.URL(), "127.0.0.1", "localhost", 1)+service+"List", "{}"); got.code != http.StatusOK {
		t.Errorf("as localhost: %v", got)
	}
}

func TestAnotherProtocolIsToldWhatToUpdate(t *testing.T) {
	old := serve(t, control.ServerConfig{})
	_, err := dial(t, control.ClientConfig{URL: old.URL(), Version: "3.0.0", Protocol: 2}).Node(t.Context())
	says(t, err, "the caller is of pyudf 3.0.0 and speaks protocol 2; the node is of pyudf 1.2.3 and speaks 1: update pyudf on the node")
	_, err = dial(t, control.ClientConfig{URL: old.URL(), Needs: 2}).Node(t.Context())
	says(t, err, "the node at "+old.URL()+" is of pyudf 1.2.3 and speaks protocol 1, and this needs 2: update pyudf on the node, or use pyudf 1.2.3 here")
	if outcome.Code(err) != outcome.Mend {
		t.Errorf("the user need not mend %v", err)
	}
	got := post(t, old.URL()+service+"List", "{}", "Pyudf-Protocol", "0", "Pyudf-Version", "0.0.1")
	if got.code != http.StatusBadRequest || !strings.Contains(got.text, "update pyudf here") {
		t.Errorf("an older command gets %v", got)
	}
	if got := post(t, old.URL()+service+"List", "{}", "Pyudf-Protocol", "one"); got.code != http.StatusBadRequest {
		t.Errorf("who cannot count gets %v", got)
	}
}

func TestANodeSaysWhetherItLivesAndIsReady(t *testing.T) {
	path, _ := tokenFile(t)
	fault := errors.New("the brokers do not answer")
	n := serve(t, control.ServerConfig{Tokens: path, Ready: func() error { return fault }})
	if got := get(t, n.URL()+"/livez"); got.code != http.StatusOK {
		t.Errorf("/livez: %v", got)
	}
	if got := get(t, n.URL()+"/readyz"); got.code != http.StatusServiceUnavailable || !strings.Contains(got.text, fault.Error()) {
		t.Errorf("/readyz: %v", got)
	}
	ready := serve(t, control.ServerConfig{})
	if got := get(t, ready.URL()+"/readyz"); got.code != http.StatusOK {
		t.Errorf("/readyz: %v", got)
	}
}

func TestWhatIsNoCallIsToldSo(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	for _, path := range []string{"/", "/metrics", service + "Explode"} {
		if got := post(t, n.URL()+path, "{}"); got.code != http.StatusNotImplemented || !strings.Contains(got.text, "there is no call "+path) {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestOneNodePassesACallOnInTheNameOfItsCaller(t *testing.T) {
	path, tokens := tokenFile(t)
	behind := serve(t, control.ServerConfig{Tokens: path})
	front := &passing{Engine: controltestEngine(), to: dial(t, control.ClientConfig{URL: behind.URL()})}
	n := serve(t, control.ServerConfig{Tokens: path, Engine: front})
	if _, err := dial(t, control.ClientConfig{URL: n.URL(), Token: tokens[control.Deployer]}).Stop(t.Context(), "heat"); !control.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
	if asked := behind.engine.Asked(); len(asked) != 1 || asked[0] != "stop by dan" {
		t.Errorf("the node behind was asked for %v", asked)
	}
}
