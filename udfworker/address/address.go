package address

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// Address is where a worker listens: a Unix socket, or a TCP port that speaks TLS. The zero value is none.
type Address struct {
	// Path is that of the socket; empty for TCP.
	Path string
	// Host has the port behind it, as HOST:PORT; empty for a socket.
	Host string
}

const (
	unixScheme = "unix://"
	tlsScheme  = "tls://"
)

// Parse reads unix:///PATH or a path, and tls://HOST:PORT or HOST:PORT.
func Parse(text string) (Address, error) {
	if path, ok := strings.CutPrefix(text, unixScheme); ok {
		if path == "" {
			return Address{}, fmt.Errorf("%s names no socket: write unix:///PATH", text)
		}
		return Address{Path: path}, nil
	}
	host, secure := strings.CutPrefix(text, tlsScheme)
	switch {
	case text == "":
		return Address{}, errors.New("there is no address: write unix:///PATH, or HOST:PORT of a worker with TLS")
	case !secure && strings.Contains(text, "://"):
		return Address{}, fmt.Errorf("%s is no address of a worker: write unix:///PATH, or tls://HOST:PORT", text)
	case !secure && (strings.Contains(text, "/") || !strings.Contains(text, ":")):
		return Address{Path: text}, nil
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil || name == "" || port == "" {
		return Address{}, fmt.Errorf("%s is no address of a worker: write HOST:PORT, such as heat.default.svc:7443, or unix:///PATH", text)
	}
	return Address{Host: host}, nil
}

// IsZero tells that there is no address.
func (a Address) IsZero() bool { return a == Address{} }

// String is what Parse reads.
func (a Address) String() string {
	switch {
	case a.IsZero():
		return ""
	case a.Host == "":
		return unixScheme + a.Path
	default:
		return tlsScheme + a.Host
	}
}

// TLS names the files of mutual TLS, in PEM.
type TLS struct {
	// Cert and Key are what this side shows.
	Cert, Key string
	// CA is who must have signed what the other side shows.
	CA string
	// Name is the one that the worker's certificate must have; empty: that of its address.
	Name string
}

// Check returns what is missing or too much for an address. Flags are called by a prefix such as --worker-tls-.
func (t TLS) Check(a Address, prefix string) error {
	if a.Host == "" {
		if t == (TLS{}) {
			return nil
		}
		return fmt.Errorf("certificates are for a worker on TCP: leave out %scert, %skey, %sca and %sname, or write HOST:PORT",
			prefix, prefix, prefix, prefix)
	}
	var missing []string
	for _, file := range []struct{ name, value string }{{"cert", t.Cert}, {"key", t.Key}, {"ca", t.CA}} {
		if file.value == "" {
			missing = append(missing, prefix+file.name+" FILE")
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s: on TCP a worker and its engine show each other certificates: add %s, or use a Unix socket",
			a.Host, strings.Join(missing, ", "))
	}
	return nil
}
