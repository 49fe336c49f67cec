package plugin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/pyudf/pyudf/udfworker/address"
)

// firstWord is how long a worker may take for its first frame, which it sends unasked.
const firstWord = 10 * time.Second

// protocols is what both sides speak within TLS.
var protocols = []string{"h2"} //nolint:gochecknoglobals // a constant list

// ServerTLS returns how a worker on TCP speaks to engines: each must show a certificate that the CA signed. The files are
// read again for each connection, so that certificates can be replaced; what cannot be read then is told to failed, and
// what was read before goes on.
func ServerTLS(files address.TLS, failed func(error)) (*tls.Config, error) {
	last, err := readServerTLS(files)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			fresh, err := readServerTLS(files)
			if err != nil {
				failed(err)
				return last, nil // which may do
			}
			return fresh, nil
		},
	}, nil
}

func readServerTLS(files address.TLS) (*tls.Config, error) {
	own, signers, err := readTLS(files)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, NextProtos: protocols,
		ClientCAs: signers, ClientAuth: tls.RequireAndVerifyClientCert,
	}, nil
}

// readTLS reads what this side shows, and who must have signed what the other one does.
func readTLS(files address.TLS) (own tls.Certificate, signers *x509.CertPool, err error) {
	own, err = tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return own, nil, fmt.Errorf("the certificate %s and its key %s cannot be used: %w", files.Cert, files.Key, err)
	}
	authorities, err := os.ReadFile(files.CA)
	if err != nil {
		return own, nil, fmt.Errorf("the certificate of the CA cannot be read: %w", err)
	}
	signers = x509.NewCertPool()
	if !signers.AppendCertsFromPEM(authorities) {
		return own, nil, fmt.Errorf("%s holds no certificate of a CA in PEM", files.CA)
	}
	return own, signers, nil
}

func dialTLS(ctx context.Context, at address.Address, files address.TLS) (*grpc.ClientConn, error) {
	own, signers, err := readTLS(files)
	if err != nil {
		return nil, err
	}
	name := files.Name
	if name == "" {
		if name, _, err = net.SplitHostPort(at.Host); err != nil {
			return nil, err
		}
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, NextProtos: protocols,
		RootCAs: signers, ServerName: name,
	}
	if err := checkServes(ctx, at, config); err != nil {
		return nil, err
	}
	return newClient(credentials.NewTLS(config), func(ctx context.Context, _ string) (net.Conn, error) { return dialTCP(ctx, at.Host) })
}

// checkServes says why a worker on TCP cannot be used. It waits for the worker's first frame: only that tells that our
// certificate was accepted.
func checkServes(ctx context.Context, at address.Address, config *tls.Config) error {
	plain, err := dialTCP(ctx, at.Host)
	if err != nil {
		return &AbsentError{fmt.Sprintf("no worker listens at %s: %v", at, innermost(err)), err}
	}
	connection := tls.Client(plain, config)
	defer func() { _ = connection.Close() }() // nothing was sent that could be lost
	if err := connection.HandshakeContext(ctx); err != nil {
		return refusal(at, err)
	}
	if err := connection.SetReadDeadline(time.Now().Add(firstWord)); err != nil {
		return err
	}
	if _, err := connection.Read(make([]byte, 1)); err != nil {
		return refusal(at, err)
	}
	return nil
}

// refusal says what to do about a handshake, or a first frame, that failed.
func refusal(at address.Address, err error) error {
	var remote *net.OpError
	var garbage tls.RecordHeaderError
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.As(err, &remote) && remote.Op == "remote error":
		return fmt.Errorf("the worker at %s refuses the certificate that this engine shows (%w): give one that its CA signed for clients and that is valid now; its log has the reason", at, remote.Err)
	case errors.As(err, &garbage):
		return fmt.Errorf("what listens at %s speaks no TLS: name the port of a worker, or its Unix socket", at)
	case errors.As(err, &unverified):
		return fmt.Errorf("the worker at %s shows a certificate that cannot be trusted: %w: give the CA that signed it, and the name in it", at, unverified.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, os.ErrDeadlineExceeded):
		return &AbsentError{fmt.Sprintf("the worker at %s is not ready: it closed the connection, or says nothing", at), err}
	default:
		return fmt.Errorf("the worker at %s cannot be spoken to: %w", at, err)
	}
}

// innermost drops the operation and the address, which the message around it names.
func innermost(err error) error {
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		return operation.Err
	}
	return err
}
