package control

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
	"github.com/pyudf/pyudf/proto/pyudf/control/v1/controlv1connect"
)

// ClientConfig says which node to ask, and as whom.
type ClientConfig struct {
	// URL is http://HOST:PORT or https://HOST:PORT. Without a scheme it is plain text to this machine, and TLS to others.
	// Empty: DefaultURL.
	URL string
	// Token is sent with each call. Without one, calls whose context is that of a call to a Server go on in its caller's name.
	Token string
	// CA is a PEM file with the authorities to believe; empty: those of the machine.
	CA string
	// Cert and Key are PEM files with what this side shows of itself, for nodes with a client CA.
	Cert, Key string
	// Version is that of pyudf, and Protocol what is spoken; 0: Protocol. Needs is what the node has to speak at least.
	Version  string
	Protocol uint32
	Needs    uint32
}

// Client asks a node. It may be used by several goroutines. Errors that the user has to mend are those of package outcome,
// with the whole text of the node.
type Client struct {
	url      string
	security *tls.Config
	http     *http.Client
	calls    controlv1connect.ControlServiceClient
}

// Dial returns a client; it reaches for the node with the first call.
func Dial(config ClientConfig) (*Client, error) {
	if config.Protocol == 0 {
		config.Protocol = Protocol
	}
	config.Needs = max(config.Needs, oldest)
	address, err := parseURL(config.URL)
	if err != nil {
		return nil, outcome.Mendable(err)
	}
	if config.Token != "" && address.Scheme == "http" && !loopback(address.Hostname()) {
		return nil, outcome.Mendf("%s: the token would go through the network in plain text: use https://", address)
	}
	security, err := clientTLS(config)
	if err != nil {
		return nil, outcome.Mendable(err)
	}
	transport := &http.Transport{
		DialContext:     (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig: security.Clone(), TLSHandshakeTimeout: 5 * time.Second, ExpectContinueTimeout: 5 * time.Second,
		Protocols: new(http.Protocols), IdleConnTimeout: idleTimeout / 2, MaxIdleConnsPerHost: 4,
	}
	if !loopback(address.Hostname()) {
		transport.Proxy = http.ProxyFromEnvironment
	}
	transport.Protocols.SetHTTP1(true)
	transport.Protocols.SetHTTP2(true)
	c := &Client{url: address.String(), security: security}
	c.http = &http.Client{
		Transport: &herald{config: config, url: c.url, user: localUser(), next: transport},
		// Nodes send nobody elsewhere, and the token is for them alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.calls = controlv1connect.NewControlServiceClient(c.http, c.url)
	return c, nil
}

func parseURL(text string) (*url.URL, error) {
	if text == "" {
		text = DefaultURL
	}
	if !strings.Contains(text, "://") {
		host, _, err := net.SplitHostPort(text)
		if err != nil {
			return nil, fmt.Errorf("%s is no address of a node: write one such as %s", text, DefaultURL)
		}
		scheme := "https://"
		if loopback(host) {
			scheme = "http://"
		}
		text = scheme + text
	}
	parsed, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return nil, fmt.Errorf("%s is no address of a node: write one such as %s", text, DefaultURL)
	}
	if parsed.User != nil {
		return nil, fmt.Errorf("the address of the node at %s has a name or password in it: use --token-file or $PYUDF_TOKEN", parsed.Host)
	}
	return parsed, nil
}

func clientTLS(config ClientConfig) (*tls.Config, error) {
	security := &tls.Config{MinVersion: tls.VersionTLS12}
	if config.CA != "" {
		authorities, err := readAuthorities(config.CA)
		if err != nil {
			return nil, err
		}
		security.RootCAs = authorities
	}
	if (config.Cert == "") != (config.Key == "") {
		return nil, errors.New("a certificate and its key belong together: give both")
	}
	if config.Cert != "" {
		pair, err := readPair(config.Cert, config.Key)
		if err != nil {
			return nil, err
		}
		security.Certificates = []tls.Certificate{*pair}
	}
	return security, nil
}

// URL returns where the node is.
func (c *Client) URL() string { return c.url }

// Close gives the connections up that nothing uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Node returns who the node is.
func (c *Client) Node(ctx context.Context) (*controlv1.Node, error) {
	response, err := c.calls.GetNode(ctx, &controlv1.GetNodeRequest{})
	return response.GetNode(), c.explain(ctx, err)
}

// List returns all deployments and nodes.
func (c *Client) List(ctx context.Context) (*controlv1.ListResponse, error) {
	response, err := c.calls.List(ctx, &controlv1.ListRequest{})
	return response, c.explain(ctx, err)
}

// Status returns how nodes stand with deployments.
func (c *Client) Status(ctx context.Context, req *controlv1.StatusRequest) (*controlv1.StatusResponse, error) {
	response, err := c.calls.Status(ctx, req)
	return response, c.explain(ctx, err)
}

// Stop ends a deployment on all nodes.
func (c *Client) Stop(ctx context.Context, name string) (*controlv1.Deployment, error) {
	response, err := c.calls.Stop(ctx, &controlv1.StopRequest{Name: name})
	return response.GetDeployment(), c.explain(ctx, err)
}

// Start goes on with a deployment that was stopped.
func (c *Client) Start(ctx context.Context, name string) (*controlv1.Deployment, error) {
	response, err := c.calls.Start(ctx, &controlv1.StartRequest{Name: name})
	return response.GetDeployment(), c.explain(ctx, err)
}

// Delete forgets a deployment.
func (c *Client) Delete(ctx context.Context, name string) error {
	_, err := c.calls.Delete(ctx, &controlv1.DeleteRequest{Name: name})
	return c.explain(ctx, err)
}

// Deploy makes a bundle the current version of a deployment. progress is told what goes on.
func (c *Client) Deploy(ctx context.Context, req *controlv1.DeployRequest, progress func(string)) (*controlv1.Deployed, error) {
	stream, err := c.calls.Deploy(ctx, req)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return changed(ctx, c, stream, progress)
}

// Rollback makes an earlier version current. progress is told what goes on.
func (c *Client) Rollback(ctx context.Context, req *controlv1.RollbackRequest, progress func(string)) (*controlv1.Deployed, error) {
	stream, err := c.calls.Rollback(ctx, req)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return changed(ctx, c, stream, progress)
}

// change is what a node says of a change that it makes: what goes on, or how it came out.
type change interface {
	GetProgress() string
	GetDone() *controlv1.Deployed
}

// changed follows a change to its end.
func changed[T any, P interface {
	*T
	change
}](ctx context.Context, c *Client, stream *connect.ServerStreamForClient[T], progress func(string)) (*controlv1.Deployed, error) {
	defer func() { _ = stream.Close() }() // it was only read
	var done *controlv1.Deployed
	for stream.Receive() {
		said := P(stream.Msg())
		if text := said.GetProgress(); text != "" {
			progress(text)
		}
		if said.GetDone() != nil {
			done = said.GetDone()
		}
	}
	if err := stream.Err(); err != nil {
		return nil, c.explain(ctx, err)
	}
	if done == nil {
		return nil, fmt.Errorf("the node at %s did not say how it came out: `pyudf list` shows what runs", c.url)
	}
	return done, nil
}

// Logs gives each line to a function until there are no more, or it returns an error, which Logs returns.
func (c *Client) Logs(ctx context.Context, req *controlv1.LogsRequest, each func(*controlv1.LogsResponse) error) error {
	stream, err := c.calls.Logs(ctx, req)
	if err != nil {
		return c.explain(ctx, err)
	}
	defer func() { _ = stream.Close() }() // it was only read
	for stream.Receive() {
		if err := each(stream.Msg()); err != nil {
			return err
		}
	}
	return c.explain(ctx, stream.Err())
}
