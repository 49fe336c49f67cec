package control

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"connectrpc.com/connect"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

// ErrNobody says that nobody listens where a node was looked for.
var ErrNobody = errors.New("nobody listens there")

// explain returns what came of a call as the user can act on it; nil stays nil.
func (c *Client) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if answer, ok := errors.AsType[*connect.Error](err); ok && connect.IsWireError(err) {
		return fromWire(answer)
	}
	if strings.HasPrefix(c.url, "https://") && broke(err) {
		err = c.lookAgain(ctx, err)
	}
	return c.unreached(err)
}

// broke tells whether a connection ended, and nothing says why.
func broke(err error) bool {
	_, isStrange := errors.AsType[*answerError](err)
	_, isInvalid := errors.AsType[*tls.CertificateVerificationError](err)
	operation, ok := errors.AsType[*net.OpError](err)
	return !isStrange && !isInvalid && (!ok || operation.Op != "dial") && !wantsCertificate(err) && !speaksPlain(err)
}

// lookAgain returns why a node ended TLS, if it says so. In TLS 1.3 it does when this side is through with the handshake, and
// HTTP/2 may drop that.
func (c *Client) lookAgain(ctx context.Context, err error) error {
	address, parseErr := url.Parse(c.url)
	if parseErr != nil || address.Port() == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: c.security}
	conn, dialErr := dialer.DialContext(ctx, "tcp", address.Host)
	if dialErr == nil {
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // so that Read ends
		defer stop()
		_, dialErr = conn.Read(make([]byte, 1))
		_ = conn.Close() // it was only looked at
	}
	if dialErr != nil && wantsCertificate(dialErr) {
		return dialErr
	}
	return err
}

// unreached explains why a node could not be spoken to.
func (c *Client) unreached(err error) error {
	strange, isStrange := errors.AsType[*answerError](err)
	_, isAuthority := errors.AsType[x509.UnknownAuthorityError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	invalid, isInvalid := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case isStrange:
		return outcome.Mendable(strange)
	case errors.Is(err, syscall.ECONNREFUSED):
		return outcome.Mendable(&nobodyError{c.url})
	case isDNS:
		return outcome.Mendf("the host of %s is not known here: look at --engine or $PYUDF_ENGINE", c.url)
	case isAuthority:
		return outcome.Mendf("the certificate of the node at %s is of an authority that is not known here: give the authority's certificate with --ca FILE or $PYUDF_CA", c.url)
	case isInvalid:
		return outcome.Mendf("the certificate of the node at %s is not valid: %w; call the node by a name that is in it, or have it renewed", c.url, invalid.Err)
	case speaksPlain(err):
		return outcome.Mendf("what listens at %s does not speak TLS: use %s", c.url, "http://"+strings.TrimPrefix(c.url, "https://"))
	case wantsCertificate(err):
		return outcome.Mendf("the node at %s asks for a certificate of its callers: give one with --client-cert FILE and --client-key FILE (%w)", c.url, cause(err))
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return fmt.Errorf("the node at %s does not answer: look whether it runs, and whether the network lets this machine through", c.url)
	default:
		return fmt.Errorf("the connection to the node at %s broke: %w", c.url, cause(err))
	}
}

// nobodyError is ErrNobody with what to do.
type nobodyError struct {
	url string
}

func (e *nobodyError) Error() string {
	return "nobody listens at " + e.url + ": start a node with `pyudf engine` or `pyudf dev`, or name one with --engine"
}

func (e *nobodyError) Unwrap() error { return ErrNobody }

// speaksPlain tells whether TLS was answered with plain text.
func speaksPlain(err error) bool {
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	return isRecord || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// wantsCertificate tells whether a node ended TLS because this side showed no certificate that it knows.
func wantsCertificate(err error) bool {
	text := err.Error()
	return strings.Contains(text, "remote error: tls: certificate required") || strings.Contains(text, "remote error: tls: bad certificate") ||
		strings.Contains(text, "remote error: tls: unknown certificate authority")
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// cause drops what Connect and net/http say around an error.
func cause(err error) error {
	if known, ok := errors.AsType[*connect.Error](err); ok && known.Unwrap() != nil {
		return known.Unwrap()
	}
	return err
}
