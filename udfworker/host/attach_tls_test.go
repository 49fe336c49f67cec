package host_test

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/address/addresstest"
	"github.com/pyudf/pyudf/udfworker/host"
	"github.com/pyudf/pyudf/udfworker/plugin"
	"github.com/pyudf/pyudf/udfworker/workertest"
)

// secretWorker is a worker on TCP.
func secretWorker(t *testing.T, files address.TLS) address.Address {
	t.Helper()
	config, err := plugin.ServerTLS(files, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return workerOn(t, func(plain net.Listener) net.Listener { return tls.NewListener(plain, config) })
}

func workerOn(t *testing.T, wrap func(net.Listener) net.Listener) address.Address {
	t.Helper()
	listener, err := plugin.ListenConfig().Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(workertest.AttachableAt(wrap(listener), offering("aaaa")))
	return address.Address{Host: listener.Addr().String()}
}

func TestAnEngineWithACertificateOfTheCAIsServedOnTCP(t *testing.T) {
	ca := addresstest.NewAuthority(t)
	where := secretWorker(t, ca.Issue(t))
	p, err := host.Attach(t.Context(), host.AttachConfig{Address: where, TLS: ca.Issue(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	large := make([]float64, 1<<20)
	large[len(large)-1] = 7
	if got := run(t, p, floats(workertest.Same, large...)); got.Column.Floats[len(large)-1] != 7 {
		t.Error("the last value is another")
	}
}

func TestAConnectionThatCannotBeTrustedIsRefusedWithTheReason(t *testing.T) {
	ca, other := addresstest.NewAuthority(t), addresstest.NewAuthority(t)
	good := ca.Issue(t)
	where := secretWorker(t, ca.Issue(t))
	foreign := other.Issue(t)
	foreign.CA = ca.File
	named := good
	named.Name = "heat.example"
	distrustful := good
	distrustful.CA = other.File
	for name, test := range map[string]struct {
		at    address.Address
		files address.TLS
		says  []string
	}{
		"an engine of another CA":  {where, foreign, []string{"refuses the certificate that this engine shows", "unknown certificate authority"}},
		"an expired engine":        {where, ca.Expired(t), []string{"refuses the certificate that this engine shows", "expired"}},
		"a worker of another CA":   {where, distrustful, []string{"shows a certificate that cannot be trusted", "unknown authority"}},
		"a worker of another name": {where, named, []string{"shows a certificate that cannot be trusted", "heat.example"}},
		"an expired worker":        {secretWorker(t, ca.Expired(t)), good, []string{"shows a certificate that cannot be trusted", "expired"}},
		"a worker without TLS":     {workerOn(t, func(l net.Listener) net.Listener { return l }), good, []string{"speaks no TLS"}},
		"a file that is not there": {where, address.TLS{Cert: "none", Key: "none", CA: "none"}, []string{"the certificate none and its key none cannot be used"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := host.Attach(t.Context(), host.AttachConfig{Address: test.at, TLS: test.files, Timeout: patience})
			requireSays(t, err, test.says...)
		})
	}
}

func TestAnEngineWithoutACertificateIsRefused(t *testing.T) {
	ca := addresstest.NewAuthority(t)
	where := secretWorker(t, ca.Issue(t))
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}} //nolint:gosec // what this side trusts is not tested
	connection, err := dialer.DialContext(t.Context(), "tcp", where.Host)
	if err == nil {
		_, err = connection.Read(make([]byte, 1))
		_ = connection.Close() // it was refused
	}
	requireSays(t, err, "certificate required")
}
