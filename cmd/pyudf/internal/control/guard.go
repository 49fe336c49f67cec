package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/user"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
)

// Caller is who makes a call.
type Caller struct {
	// Name is that of the token, or of the user of the machine.
	Name string
	Role Role

	authorization string
}

type callerKey struct{}

// CallerOf returns whose call ctx belongs to.
func CallerOf(ctx context.Context) (Caller, bool) {
	caller, ok := ctx.Value(callerKey{}).(Caller)
	return caller, ok
}

// guard lets those calls through that may be made.
type guard struct {
	config *ServerConfig
	tokens *watched[Tokens] // nil: everybody may call everything
	owner  string           // the user that the node runs as
	errors *connect.ErrorWriter
	pages  *http.CrossOriginProtection
}

func newGuard(config *ServerConfig) (*guard, error) {
	g := &guard{config: config, errors: connect.NewErrorWriter(), pages: http.NewCrossOriginProtection(), owner: localUser()}
	if config.Tokens == "" {
		return g, nil
	}
	var err error
	g.tokens, err = watch(config.Logger, func() (Tokens, error) { return readTokens(config.Tokens) }, config.Tokens)
	if err != nil {
		return nil, fmt.Errorf("--tokens %s: %w", config.Tokens, err)
	}
	return g, nil
}

// localUser returns the name of the user that the process runs as.
func localUser() string {
	if current, err := user.Current(); err == nil && tokenName.MatchString(current.Username) {
		return current.Username
	}
	return "user"
}

// wrap returns next behind the guard, and beside it what shows whether the node lives and is ready.
func (g *guard) wrap(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", g.ready)
	mux.Handle("/", g.calls(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &patient{ReadCloser: r.Body, control: http.NewResponseController(w)}
		defer body.leave()
		r = r.WithContext(r.Context()) // a copy: the server looks at the body itself to tell who waits to be let in
		r.Body = body
		w.Header().Set(protocolHeader, strconv.FormatUint(uint64(g.config.Protocol), 10))
		w.Header().Set(versionHeader, g.config.Version)
		if err := g.fromHere(r); err != nil {
			g.refuse(w, r, err)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (g *guard) ready(w http.ResponseWriter, _ *http.Request) {
	if err := g.config.Ready(); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, err)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (g *guard) calls(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := g.admit(r)
		if err != nil {
			g.refuse(w, r, err)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller))
		next.ServeHTTP(w, r)
	})
}

// admit returns who calls, if the call may be made.
func (g *guard) admit(r *http.Request) (Caller, error) {
	role, known := needed(r.URL.Path)
	if !known {
		return Caller{}, connect.NewError(connect.CodeUnimplemented, fmt.Errorf("there is no call %s: docs/control-api.md has those that there are", r.URL.Path))
	}
	if err := g.understands(r); err != nil {
		return Caller{}, err
	}
	caller, err := g.identify(r)
	if err != nil {
		return Caller{}, err
	}
	if caller.Role < role {
		return Caller{}, connect.NewError(connect.CodePermissionDenied, fmt.Errorf(
			"the token %s has the role %s, and this takes the role %s: ask whoever runs the node for such a token", caller.Name, caller.Role, role))
	}
	return caller, nil
}

// fromHere refuses what web pages make a browser of this machine send, where that would be let in: under a name that
// somebody made lead here, and across origins.
func (g *guard) fromHere(r *http.Request) error {
	if g.tokens == nil {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if !loopback(host) {
			return connect.NewError(connect.CodePermissionDenied, fmt.Errorf("this node is for its own machine, and was called as %q: call it as localhost or 127.0.0.1", r.Host))
		}
	}
	if err := g.pages.Check(r); err != nil {
		return connect.NewError(connect.CodePermissionDenied, errors.New("web pages of other places may not call this node"))
	}
	return nil
}

// understands refuses commands of a protocol that this node does not speak. Who names none is taken to speak it.
func (g *guard) understands(r *http.Request) error {
	text := r.Header.Get(protocolHeader)
	if text == "" {
		return nil
	}
	theirs, err := strconv.ParseUint(text, 10, 32)
	caller := "the caller is"
	if version := r.Header.Get(versionHeader); version != "" {
		caller = "the caller is of pyudf " + version
	}
	switch {
	case err != nil:
		return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("the header %s has to be a number, such as %d", protocolHeader, g.config.Protocol))
	case theirs > uint64(g.config.Protocol):
		return connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf(
			"%s and speaks protocol %d; the node is of pyudf %s and speaks %d: update pyudf on the node, or call it with pyudf %s",
			caller, theirs, g.config.Version, g.config.Protocol, g.config.Version))
	case theirs < oldest:
		return connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf(
			"%s and speaks protocol %d; the node is of pyudf %s and speaks none below %d: update pyudf here", caller, theirs, g.config.Version, oldest))
	default:
		return nil
	}
}

func (g *guard) identify(r *http.Request) (Caller, error) {
	if g.tokens == nil {
		name := r.Header.Get(userHeader)
		if !tokenName.MatchString(name) {
			name = g.owner
		}
		return Caller{Name: name, Role: Admin}, nil
	}
	authorization := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(authorization, " ")
	if authorization == "" {
		return Caller{}, connect.NewError(connect.CodeUnauthenticated, errors.New(
			"this node asks for a token, and none came: give one with --token-file FILE or $PYUDF_TOKEN, or as the header `Authorization: Bearer TOKEN`"))
	}
	e, ok := g.tokens.get().find(strings.TrimSpace(token))
	if !strings.EqualFold(scheme, "Bearer") || !ok {
		g.config.Logger.Warn("a call with a token that is not known was refused", "from", r.RemoteAddr, "call", r.URL.Path)
		return Caller{}, connect.NewError(connect.CodeUnauthenticated, errors.New(
			"the token is none of this node's: look at --token-file or $PYUDF_TOKEN, or ask whoever runs the node for one"))
	}
	return Caller{Name: e.name, Role: e.role, authorization: authorization}, nil
}

// refuse answers as the caller's protocol has it.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if connect.CodeOf(err) == connect.CodeUnauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if err := g.errors.Write(w, r, err); err != nil {
		g.config.Logger.Debug("nobody waited for the answer", "cause", err)
	}
}

// tellOfTLS answers those who speak plain text to a port that speaks TLS. What they sent is not looked at.
func tellOfTLS(w http.ResponseWriter, r *http.Request) {
	writer := connect.NewErrorWriter()
	w.Header().Set(protocolHeader, strconv.Itoa(Protocol))
	w.Header().Set("Connection", "close")
	err := connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("this port speaks TLS: use https://%s", r.Host))
	_ = writer.Write(w, r, err) // there is nobody else to tell
}

// patient is the body of a request, which may take long as long as something of it comes.
type patient struct {
	io.ReadCloser

	control *http.ResponseController
	broken  bool
}

// Read implements io.Reader. Behind the end the connection may be silent for as long as the call lasts.
func (p *patient) Read(into []byte) (int, error) {
	if err := p.control.SetReadDeadline(time.Now().Add(bodyTimeout)); err != nil {
		return 0, err
	}
	n, err := p.ReadCloser.Read(into)
	p.broken = err != nil && !errors.Is(err, io.EOF)
	if errors.Is(err, io.EOF) {
		_ = p.control.SetReadDeadline(time.Time{}) // it worked a moment ago
	}
	return n, err
}

// leave limits how long the rest of a body may take, which the server reads when nobody else does.
func (p *patient) leave() {
	if p.broken {
		return // the time is up
	}
	_ = p.control.SetReadDeadline(time.Now().Add(bodyTimeout)) // else there is nothing to wait for
}
