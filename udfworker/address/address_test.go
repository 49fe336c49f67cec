package address_test

import (
	"testing"

	"github.com/pyudf/pyudf/udfworker/address"
)

func TestAnAddressIsASocketOrAPortWithTLS(t *testing.T) {
	for text, want := range map[string]address.Address{
		"unix:///run/pyudf/heat.sock": {Path: "/run/pyudf/heat.sock"},
		"unix://heat.sock":            {Path: "heat.sock"},
		"/run/heat.sock":              {Path: "/run/heat.sock"},
		"./a:7443":                    {Path: "./a:7443"},
		"heat.sock":                   {Path: "heat.sock"},
		"heat:7443":                   {Host: "heat:7443"},
		"tls://heat:7443":             {Host: "heat:7443"},
		"[::1]:7443":                  {Host: "[::1]:7443"},
	} {
		got, err := address.Parse(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v (%v), want %+v", text, got, err, want)
		}
		if again, err := address.Parse(got.String()); err != nil || again != got {
			t.Errorf("%s is read back from %s as %+v (%v)", text, got, again, err)
		}
	}
}

func TestWhatIsNoAddressSaysWhatToWrite(t *testing.T) {
	for text, want := range map[string]string{
		"":               "there is no address: write unix:///PATH, or HOST:PORT of a worker with TLS",
		"unix://":        "unix:// names no socket: write unix:///PATH",
		"tcp://heat:1":   "tcp://heat:1 is no address of a worker: write unix:///PATH, or tls://HOST:PORT",
		"http://heat:1/": "http://heat:1/ is no address of a worker: write unix:///PATH, or tls://HOST:PORT",
		"heat:":          "heat: is no address of a worker: write HOST:PORT, such as heat.default.svc:7443, or unix:///PATH",
		":7443":          ":7443 is no address of a worker: write HOST:PORT, such as heat.default.svc:7443, or unix:///PATH",
		"tls://heat":     "tls://heat is no address of a worker: write HOST:PORT, such as heat.default.svc:7443, or unix:///PATH",
	} {
		if got, err := address.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%s: got %+v (%v), want %s", text, got, err, want)
		}
	}
}

func TestTCPNeedsAllCertificatesAndASocketNone(t *testing.T) {
	socket, port := address.Address{Path: "/w.sock"}, address.Address{Host: "heat:7443"}
	all := address.TLS{Cert: "c", Key: "k", CA: "ca"}
	for _, test := range []struct {
		at    address.Address
		files address.TLS
		want  string
	}{
		{socket, address.TLS{}, ""},
		{port, all, ""},
		{socket, address.TLS{CA: "ca"}, "certificates are for a worker on TCP: leave out --tls-cert, --tls-key, --tls-ca and --tls-name, or write HOST:PORT"},
		{port, address.TLS{}, "heat:7443: on TCP a worker and its engine show each other certificates: add --tls-cert FILE, --tls-key FILE, --tls-ca FILE, or use a Unix socket"},
		{port, address.TLS{Cert: "c", Key: "k"}, "heat:7443: on TCP a worker and its engine show each other certificates: add --tls-ca FILE, or use a Unix socket"},
	} {
		got := ""
		if err := test.files.Check(test.at, "--tls-"); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%v with %+v: got %q, want %q", test.at, test.files, got, test.want)
		}
	}
}
