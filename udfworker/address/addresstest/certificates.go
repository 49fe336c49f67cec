package addresstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pyudf/pyudf/udfworker/address"
)

// Authority is one that signs certificates.
type Authority struct {
	// File is the PEM file with its own certificate.
	File string

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority returns an authority that nobody else knows.
func NewAuthority(t *testing.T) *Authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: "an authority of tests"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der := sign(t, template, template, key, key)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{File: filepath.Join(t.TempDir(), "authority.pem"), cert: cert, key: key}
	write(t, a.File, "CERTIFICATE", der)
	return a
}

// Issue returns a certificate for this machine, as localhost and 127.0.0.1, or for other names.
func (a *Authority) Issue(t *testing.T, names ...string) address.TLS {
	t.Helper()
	files := a.files(t)
	a.IssueTo(t, files, names...)
	return files
}

// IssueTo puts a new certificate into files that there may be already.
func (a *Authority) IssueTo(t *testing.T, files address.TLS, names ...string) {
	t.Helper()
	a.issue(t, files, time.Now().Add(time.Hour), names)
}

// Expired returns a certificate for this machine that is not valid any more.
func (a *Authority) Expired(t *testing.T) address.TLS {
	t.Helper()
	files := a.files(t)
	a.issue(t, files, time.Now().Add(-time.Minute), nil)
	return files
}

func (a *Authority) files(t *testing.T) address.TLS {
	t.Helper()
	dir := t.TempDir()
	return address.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), CA: a.File}
}

func (a *Authority) issue(t *testing.T, files address.TLS, until time.Time, names []string) {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: "one of tests"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(names) == 0 {
		template.DNSNames, template.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	write(t, files.Cert, "CERTIFICATE", sign(t, template, a.cert, key, a.key))
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, files.Key, "PRIVATE KEY", encoded)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func serial(t *testing.T) *big.Int {
	t.Helper()
	number, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func sign(t *testing.T, template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// write puts a file in the place of the one before.
func write(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
