package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/control/controltest"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
	"github.com/pyudf/pyudf/udfworker/address/addresstest"
)

func controltestEngine() *controltest.Engine { return &controltest.Engine{App: "heat"} }

// passing is an engine that asks another node to stop deployments.
type passing struct {
	*controltest.Engine

	to *control.Client
}

func (p *passing) Stop(ctx context.Context, _, name string) (*controlv1.Deployment, error) {
	return p.to.Stop(ctx, name)
}

func TestBeyondThisMachineTakesTLSAndTokens(t *testing.T) {
	path, _ := tokenFile(t)
	pair := addresstest.NewAuthority(t).Issue(t)
	for _, test := range []struct {
		config control.ServerConfig
		want   string
	}{
		{control.ServerConfig{Addr: "0.0.0.0:0"}, "--listen 0.0.0.0:0 is reached from other machines, which takes TLS and tokens: add --tls-cert FILE, --tls-key FILE and --tokens FILE, or listen on 127.0.0.1:9191"},
		{control.ServerConfig{Addr: ":0", Tokens: path}, "add --tls-cert FILE and --tls-key FILE, or"},
		{control.ServerConfig{Addr: "[::]:0", Cert: pair.Cert, Key: pair.Key}, "add --tokens FILE"},
		{control.ServerConfig{Addr: "127.0.0.1:0", Cert: pair.Cert}, "--tls-cert and --tls-key belong together"},
		{control.ServerConfig{Addr: "127.0.0.1:0", ClientCA: pair.Cert}, "--tls-client-ca needs a node that speaks TLS"},
		{control.ServerConfig{Addr: "nowhere"}, "--listen nowhere: write HOST:PORT, such as 127.0.0.1:9191"},
		{control.ServerConfig{Addr: "127.0.0.1:0", Cert: pair.Key, Key: pair.Cert}, "the certificate " + pair.Key + " with the key " + pair.Cert},
		{control.ServerConfig{Addr: "127.0.0.1:0", MaxBundle: -1}, "--max-bundle -1"},
	} {
		_, err := control.Start(t.Context(), test.config)
		says(t, err, test.want)
	}
	everywhere := serve(t, control.ServerConfig{Addr: "0.0.0.0:0", Cert: pair.Cert, Key: pair.Key, Tokens: path})
	if !strings.HasPrefix(everywhere.URL(), "https://") {
		t.Errorf("it is at %s", everywhere.URL())
	}
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	_, err := control.Start(t.Context(), control.ServerConfig{Addr: n.Addr()})
	says(t, err, "--listen "+n.Addr(), "address already in use", "choose another with --listen")
}

func TestABundleOverTheLimitIsRefusedWithTheLimit(t *testing.T) {
	n := serve(t, control.ServerConfig{MaxBundle: 1_000_000})
	client := dial(t, control.ClientConfig{URL: n.URL()})
	for _, size := range []int{1_000_001, 8_000_000} { // one that connect takes, and one that it does not
		_, err := client.Deploy(t.Context(), &controlv1.DeployRequest{Bundle: make([]byte, size)}, func(string) {})
		says(t, err, "larger than the 1MB that this node takes", "--max-bundle")
		if outcome.Code(err) != outcome.Mend {
			t.Errorf("the user need not mend %v", err)
		}
	}
	_, err := client.Deploy(t.Context(), &controlv1.DeployRequest{}, func(string) {})
	says(t, err, "there is no bundle in the call")
	if asked := n.engine.Asked(); len(asked) > 0 {
		t.Errorf("the engine was asked for %v", asked)
	}
	if _, err := client.Deploy(t.Context(), &controlv1.DeployRequest{Bundle: bytes.Repeat([]byte("z"), 1_000_000)}, func(string) {}); err != nil {
		t.Errorf("one that is as large as the limit: %v", err)
	}
}

func TestARefusedDeployTakesNoBundle(t *testing.T) {
	path, tokens := tokenFile(t)
	n := serve(t, control.ServerConfig{Tokens: path})
	for range 3 { // however large it is, the answer is the node's and no broken connection
		_, err := dial(t, control.ClientConfig{URL: n.URL(), Token: tokens[control.Viewer]}).Deploy(t.Context(), &controlv1.DeployRequest{Bundle: make([]byte, 32<<20)}, func(string) {})
		says(t, err, "this takes the role deployer")
	}
}

func TestErrorsOfTheEngineReachTheCallerWhole(t *testing.T) {
	for _, test := range []struct {
		fault error
		code  int
	}{
		{control.Refused("the topic weather has no field humidity\nadd it, or leave it out of the function"), outcome.Mend},
		{control.Invalid("there is no guarantee twice"), outcome.Mend},
		{control.NotFound("there is no deployment heat"), outcome.Mend},
		{outcome.Mendf("the brokers ask for a password: set sasl.password"), outcome.Mend},
		{fmt.Errorf("deploying heat: %w", control.Refused("no")), outcome.Mend},
		{errors.New("the disk is full"), outcome.Failed},
	} {
		n := serve(t, control.ServerConfig{})
		n.engine.Fault = test.fault
		for name, err := range calls(t.Context(), dial(t, control.ClientConfig{URL: n.URL()})) {
			if changes := []string{"Deploy", "Rollback", "Stop", "Start", "Delete"}; !slices.Contains(changes, name) {
				continue
			}
			if err == nil || err.Error() != test.fault.Error() || outcome.Code(err) != test.code || !control.IsAnswer(err) {
				t.Errorf("%s: got %v with %d, want %v with %d", name, err, outcome.Code(err), test.fault, test.code)
			}
		}
	}
}

func TestAPanicIsAFaultOfTheNodeThatGoesOn(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	n.engine.Before = func(context.Context) { panic("no such slot") }
	client := dial(t, control.ClientConfig{URL: n.URL()})
	_, err := client.Stop(t.Context(), "heat")
	says(t, err, "a fault of pyudf itself: the log of the node has more")
	_, err = client.Deploy(t.Context(), &controlv1.DeployRequest{Bundle: []byte("zip")}, func(string) {})
	says(t, err, "a fault of pyudf itself")
	if outcome.Code(err) != outcome.Failed || !strings.Contains(n.log.String(), "no such slot") {
		t.Errorf("it ends with %d, and the log has %s", outcome.Code(err), n.log)
	}
	if _, err := client.Node(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProgressComesWhileItGoesOn(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	n.engine.Steps = []string{"building the environment", "starting workers"}
	var told []string
	done, err := dial(t, control.ClientConfig{URL: n.URL()}).Deploy(t.Context(), &controlv1.DeployRequest{Bundle: []byte("zip")}, func(step string) { told = append(told, step) })
	if err != nil || done.GetDeployment().GetCurrent() != 1 || strings.Join(told, ", ") != "building the environment, starting workers" {
		t.Errorf("got %v, told %v (%v)", done, told, err)
	}
}

func TestACallerWhoGoesAwayEndsTheCall(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	began, ended := make(chan struct{}), make(chan struct{})
	n.engine.Before = func(ctx context.Context) {
		close(began)
		<-ctx.Done()
		close(ended)
	}
	ctx, cancel := context.WithCancel(t.Context())
	came := make(chan error, 1)
	client := dial(t, control.ClientConfig{URL: n.URL()})
	go func() {
		_, err := client.Deploy(ctx, &controlv1.DeployRequest{Bundle: []byte("zip")}, func(string) {})
		came <- err
	}()
	<-began
	cancel()
	<-ended
	if err := <-came; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLogsAreFollowedUntilTheCallerEndsThem(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	n.engine.Lines = []*controlv1.LogsResponse{{Node: "n1", Line: "first"}}
	n.engine.More = make(chan *controlv1.LogsResponse, 1)
	n.engine.More <- &controlv1.LogsResponse{Node: "n2", Line: "second"}
	ctx, cancel := context.WithCancel(t.Context())
	var lines []string
	err := dial(t, control.ClientConfig{URL: n.URL()}).Logs(ctx, &controlv1.LogsRequest{Deployment: "heat", Follow: true}, func(line *controlv1.LogsResponse) error {
		lines = append(lines, line.GetLine())
		if len(lines) == 2 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || strings.Join(lines, " ") != "first second" {
		t.Errorf("got %v (%v)", lines, err)
	}
}

func TestANodeThatEndsEndsLogsAndWaitsForChanges(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	n.engine.More = make(chan *controlv1.LogsResponse)
	n.engine.Lines = []*controlv1.LogsResponse{{Line: "first"}}
	began, goOn := make(chan struct{}), make(chan struct{})
	n.engine.Before = func(context.Context) {
		close(began)
		<-goOn
	}
	client := dial(t, control.ClientConfig{URL: n.URL()})
	logs, deployed := make(chan error, 1), make(chan error, 1)
	following := make(chan struct{})
	go func() {
		logs <- client.Logs(t.Context(), &controlv1.LogsRequest{Follow: true}, func(*controlv1.LogsResponse) error {
			close(following)
			return nil
		})
	}()
	go func() {
		_, err := client.Deploy(t.Context(), &controlv1.DeployRequest{Bundle: []byte("zip")}, func(string) {})
		deployed <- err
	}()
	<-began
	<-following
	closed := make(chan error, 1)
	go func() { closed <- n.Close(t.Context()) }()
	says(t, <-logs, "the node is ending")
	close(goOn)
	if err := errors.Join(<-deployed, <-closed); err != nil {
		t.Error(err)
	}
}
