package integration_test

import (
	"net"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/address/addresstest"
)

func flagsOf(prefix string, files address.TLS) []string {
	return []string{"--" + prefix + "cert", files.Cert, "--" + prefix + "key", files.Key, "--" + prefix + "ca", files.CA}
}

// serveSecret starts a worker on TCP and returns where it listens.
func (s *sidecar) serveSecret(t *testing.T, files address.TLS) (worker *program, at string) {
	t.Helper()
	worker = s.begin(t, append([]string{"--listen", "127.0.0.1:0"}, flagsOf("tls-", files)...)...)
	return worker, worker.await(t, `serving at=(\S+)`)
}

func (s *sidecar) attachSecret(t *testing.T, at string, files address.TLS, more ...string) *program {
	t.Helper()
	flags := append([]string{"run", "--attach", at, "--until-end", "--group", s.app}, flagsOf("worker-tls-", files)...)
	return start(t, s.broker, nil, append(flags, more...)...)
}

func TestASidecarOnTCPServesEnginesWithTheRightCertificateAndNoOthers(t *testing.T) {
	b := kafkatest.Embedded(t)
	s := newSidecar(t, b, "slow.py")
	s.produce(t, numbersTo(1000)...)
	ca, other := addresstest.NewAuthority(t), addresstest.NewAuthority(t)
	worker, at := s.serveSecret(t, ca.Issue(t))

	foreign := other.Issue(t)
	foreign.CA = ca.File
	for name, test := range map[string]struct {
		files          address.TLS
		engine, worker string
	}{
		"another CA": {foreign, "unknown certificate authority", "certificate signed by unknown authority"},
		"expired":    {ca.Expired(t), "expired certificate", "certificate has expired"},
	} {
		refused := s.attachSecret(t, at, test.files)
		if code := refused.wait(t); code != 2 {
			t.Errorf("%s: it ended with %d", name, code)
		}
		contains(t, name, refused.err.String(), "refuses the certificate that this engine shows", test.engine)
		worker.await(t, "refused a connection that shows no certificate of our CA from=127.0.0.1:.*"+test.worker)
	}

	plain, err := new(net.Dialer).DialContext(t.Context(), "tcp", at[len("tls://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close() //nolint:errcheck // it was refused
	if _, err := plain.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	worker.await(t, "refused a connection .*does not look like a TLS handshake")

	run := s.attachSecret(t, at, ca.Issue(t))
	s.awaitCalls(t, 300)
	killProcess(t, python(t, worker))
	run.succeed(t)
	s.complete(t, 1000)
	worker.stop(t)
}

func TestAFunctionThatKeepsPythonsLockForLongIsNotCutOffThoughAnotherEngineWaits(t *testing.T) {
	t.Parallel()
	b := kafkatest.Embedded(t)
	s := newSidecar(t, b, "stuck.py")
	s.produce(t, `{"x":0,"seconds":30}`)
	ca := addresstest.NewAuthority(t)
	worker, at := s.serveSecret(t, ca.Issue(t))
	run := s.attachSecret(t, at, ca.Issue(t))
	s.awaitCalls(t, 1)
	s.app = kafkatest.Name(t, "second")
	s.attachSecret(t, at, ca.Issue(t), "--start", "latest").await(t, "waiting for the worker .*does not answer")
	run.succeed(t)
	if calls := s.called(t); len(calls) != 1 {
		t.Errorf("it was called %d times", len(calls))
	}
	contains(t, "the end", run.err.String(), "1 record in, 1 out, 0 dead letters")
	worker.stop(t)
}
