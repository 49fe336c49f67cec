package control_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/control"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
	"github.com/pyudf/pyudf/udfworker/address/addresstest"
)

// grpcTo returns gRPC's own client of a node.
func grpcTo(t *testing.T, n *node, security credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(security))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // ends with the test in any case
	return conn
}

func TestJSONOverHTTPIsAnswered(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	if _, err := dial(t, control.ClientConfig{URL: n.URL()}).Deploy(t.Context(), &controlv1.DeployRequest{Bundle: []byte("zip")}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	got := post(t, n.URL()+service+"List", "{}")
	if got.code != http.StatusOK || !strings.Contains(got.text, `"name":"heat"`) || got.Get("Pyudf-Protocol") != "1" {
		t.Errorf("got %v", got)
	}
	got = post(t, n.URL()+service+"Stop", `{"name":"cold"}`)
	if got.code != http.StatusNotFound || !strings.Contains(got.text, `"code":"not_found"`) || !strings.Contains(got.text, "there is no deployment cold") {
		t.Errorf("got %v", got)
	}
	// What is streamed is a byte of flags and four of the length before each message.
	got = post(t, n.URL()+service+"Deploy", "\x00\x00\x00\x00\x11"+`{"bundle":"emlw"}`, "Content-Type", "application/connect+json")
	if got.code != http.StatusOK || !strings.Contains(got.text, `"unchanged":true`) {
		t.Errorf("got %v", got)
	}
}

func TestGRPCIsAnsweredOnTheSamePort(t *testing.T) {
	path, tokens := tokenFile(t)
	n := serve(t, control.ServerConfig{Tokens: path})
	n.engine.Steps = []string{"starting workers"}
	conn := grpcTo(t, n, insecure.NewCredentials())
	var answer controlv1.GetNodeResponse
	err := conn.Invoke(t.Context(), service+"GetNode", &controlv1.GetNodeRequest{}, &answer)
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token: %v", err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+tokens[control.Viewer])
	if err := conn.Invoke(ctx, service+"GetNode", &controlv1.GetNodeRequest{}, &answer); err != nil || answer.GetNode().GetId() != "n1" {
		t.Errorf("got %v (%v)", &answer, err)
	}
	err = conn.Invoke(ctx, service+"Delete", &controlv1.DeleteRequest{Name: "heat"}, &controlv1.DeleteResponse{})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("as a viewer: %v", err)
	}
	ctx = metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+tokens[control.Deployer])
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, service+"Deploy")
	if err != nil {
		t.Fatal(err)
	}
	if err := firstOf(stream.SendMsg(&controlv1.DeployRequest{Bundle: []byte("zip")}), stream.CloseSend()); err != nil {
		t.Fatal(err)
	}
	var step, done controlv1.DeployResponse
	if err := firstOf(stream.RecvMsg(&step), stream.RecvMsg(&done)); err != nil || step.GetProgress() != "starting workers" || done.GetDone().GetDeployment().GetName() != "heat" {
		t.Errorf("got %v and %v (%v)", &step, &done, err)
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestTLSIsSpokenWithTheAuthorityThatIsKnown(t *testing.T) {
	authority := addresstest.NewAuthority(t)
	pair := authority.Issue(t)
	n := serve(t, control.ServerConfig{Cert: pair.Cert, Key: pair.Key})
	if _, err := dial(t, control.ClientConfig{URL: n.URL(), CA: authority.File}).Node(t.Context()); err != nil {
		t.Error(err)
	}
	_, err := dial(t, control.ClientConfig{URL: n.URL()}).Node(t.Context())
	says(t, err, "the certificate of the node at "+n.URL()+" is of an authority that is not known here", "--ca FILE")
	if outcome.Code(err) != outcome.Mend {
		t.Errorf("the user need not mend %v", err)
	}
	elsewhere := authority.Issue(t, "elsewhere")
	stranger := serve(t, control.ServerConfig{Cert: elsewhere.Cert, Key: elsewhere.Key})
	_, err = dial(t, control.ClientConfig{URL: stranger.URL(), CA: authority.File}).Node(t.Context())
	says(t, err, "the certificate of the node at "+stranger.URL()+" is not valid: ", "call the node by a name that is in it")
	security, err := credentials.NewClientTLSFromFile(authority.File, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := grpcTo(t, n, security).Invoke(t.Context(), service+"GetNode", &controlv1.GetNodeRequest{}, &controlv1.GetNodeResponse{}); err != nil {
		t.Errorf("gRPC over TLS: %v", err)
	}
	_, err = control.Dial(control.ClientConfig{URL: n.URL(), CA: pair.Key})
	says(t, err, pair.Key+" has no certificate in it")
}

func TestPlainTextToThePortThatSpeaksTLSIsTold(t *testing.T) {
	pair := addresstest.NewAuthority(t).Issue(t)
	n := serve(t, control.ServerConfig{Cert: pair.Cert, Key: pair.Key})
	want := "this port speaks TLS: use https://" + n.Addr()
	client := dial(t, control.ClientConfig{URL: "http://" + n.Addr()})
	_, err := client.Node(t.Context())
	says(t, err, want)
	if outcome.Code(err) != outcome.Mend {
		t.Errorf("the user need not mend %v", err)
	}
	_, err = client.Deploy(t.Context(), &controlv1.DeployRequest{Bundle: make([]byte, 32<<20)}, func(string) {})
	says(t, err, want)
	if got := post(t, "http://"+n.Addr()+service+"List", "{}"); got.code != http.StatusBadRequest || !strings.Contains(got.text, want) {
		t.Errorf("curl gets %v", got)
	}
	if got := get(t, "http://"+n.Addr()+"/livez"); got.code != http.StatusBadRequest || !strings.Contains(got.text, want) {
		t.Errorf("a probe gets %v", got)
	}
	err = grpcTo(t, n, insecure.NewCredentials()).Invoke(t.Context(), service+"GetNode", &controlv1.GetNodeRequest{}, &controlv1.GetNodeResponse{})
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
		t.Errorf("gRPC gets %v", err)
	}
	if asked := n.engine.Asked(); len(asked) > 0 {
		t.Errorf("the engine was asked for %v", asked)
	}
}

func TestTLSToAPortThatSpeaksPlainTextIsTold(t *testing.T) {
	n := serve(t, control.ServerConfig{})
	_, err := dial(t, control.ClientConfig{URL: "https://" + n.Addr()}).Node(t.Context())
	says(t, err, "what listens at https://"+n.Addr()+" does not speak TLS: use http://"+n.Addr())
	if outcome.Code(err) != outcome.Mend {
		t.Errorf("the user need not mend %v", err)
	}
}

func TestANewCertificateIsShownAtOnce(t *testing.T) {
	authority := addresstest.NewAuthority(t)
	pair := authority.Issue(t)
	n := serve(t, control.ServerConfig{Cert: pair.Cert, Key: pair.Key})
	first := shown(t, n)
	authority.IssueTo(t, pair)
	second := shown(t, n)
	if first == second {
		t.Error("the old certificate is shown")
	}
	if err := os.WriteFile(pair.Cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if third := shown(t, n); third != second {
		t.Error("a file that cannot be read changes the certificate")
	}
}

// shown returns the serial number of the certificate that a node shows.
func shown(t *testing.T, n *node) string {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(t.Context(), "tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // it was only looked at
	secure, ok := conn.(*tls.Conn)
	if !ok {
		t.Fatalf("got a %T", conn)
	}
	return secure.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestANodeWithAClientAuthorityAsksForACertificate(t *testing.T) {
	authority, other := addresstest.NewAuthority(t), addresstest.NewAuthority(t)
	pair, mine, theirs := authority.Issue(t), authority.Issue(t), other.Issue(t)
	n := serve(t, control.ServerConfig{Cert: pair.Cert, Key: pair.Key, ClientCA: authority.File})
	if _, err := dial(t, control.ClientConfig{URL: n.URL(), CA: authority.File, Cert: mine.Cert, Key: mine.Key}).Node(t.Context()); err != nil {
		t.Error(err)
	}
	for name, config := range map[string]control.ClientConfig{
		"none":               {URL: n.URL(), CA: authority.File},
		"of somebody else's": {URL: n.URL(), CA: authority.File, Cert: theirs.Cert, Key: theirs.Key},
	} {
		_, err := dial(t, config).Node(t.Context())
		if err == nil || !strings.Contains(err.Error(), "asks for a certificate of its callers: give one with --client-cert FILE") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
