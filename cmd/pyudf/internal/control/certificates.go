package control

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
)

// serverTLS returns how a node shows its certificate and asks for those of its callers, both as the files are at the time.
func serverTLS(config *ServerConfig, logger *slog.Logger) (*tls.Config, error) {
	read := func() (*tls.Certificate, error) { return readPair(config.Cert, config.Key) }
	shown, err := watch(logger, read, config.Cert, config.Key)
	if err != nil {
		return nil, err
	}
	base := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return shown.get(), nil
		},
	}
	if config.ClientCA == "" {
		return base, nil
	}
	trusted, err := watch(logger, func() (*x509.CertPool, error) { return readAuthorities(config.ClientCA) }, config.ClientCA)
	if err != nil {
		return nil, err
	}
	base.ClientAuth = tls.RequireAndVerifyClientCert
	base.ClientCAs = trusted.get()
	base.SessionTicketsDisabled = true // else who was trusted once would be let in again
	asking := base.Clone()
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := asking.Clone()
		now.ClientCAs = trusted.get()
		return now, nil
	}
	return base, nil
}

func readPair(cert, key string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s with the key %s: %w", cert, key, err)
	}
	return &pair, nil
}

// readAuthorities reads the certificates of a PEM file.
func readAuthorities(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in it: it has to be a PEM file, with BEGIN CERTIFICATE in it", path)
	}
	return pool, nil
}
