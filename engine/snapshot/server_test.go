package snapshot_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// server is a real server with S3's API, behind a proxy that can be told to do what networks and disks do.
type server struct {
	*httptest.Server

	// instead answers requests in the place of the server, if it is there and says so.
	instead atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

const bucketName = "state"

// startServer starts a server with an empty bucket, and has the environment name it and its credentials.
func startServer(t *testing.T) *server {
	t.Helper()
	program, err := filepath.Abs("../../.tools/versitygw")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no server with S3's API, 'make setup' installs it: %v", err)
		}
		t.Skipf("no server with S3's API, 'make setup' installs it: %v", err)
	}
	// The path of a socket must be short, and that of a test's directory is not.
	dir, err := os.MkdirTemp("", "s3-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	for _, name := range []string{"sidecar", filepath.Join("buckets", bucketName)} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run(t, program, "--port", socket, "--access", "tester", "--secret", "secret of the tester", "--quiet",
		"posix", "--sidecar", filepath.Join(dir, "sidecar"), filepath.Join(dir, "buckets"))
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "secret of the tester", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	return behindProxy(t, socket)
}

// run runs a program until the test ends.
func run(t *testing.T, program string, args ...string) {
	t.Helper()
	child := exec.Command(program, args...) //nolint:noctx // killed at the end
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait() // it was killed
	})
}

func behindProxy(t *testing.T, socket string) *server {
	t.Helper()
	s := &server{}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	proxy := &httputil.ReverseProxy{
		// The name of the host stays as it is: requests are signed with it.
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", "s3", r.In.Host },
		Transport: &http.Transport{DialContext: dial},
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if instead := s.instead.Load(); instead == nil || !(*instead)(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := dial(t.Context(), "", "")
		if err == nil {
			_ = conn.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server did not come up: %v", err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// url names the bucket.
func (s *server) url() string { return s.named(bucketName) }

func (s *server) named(bucket string) string {
	return "s3://" + bucket + "?region=us-east-1&endpoint=" + url.QueryEscape(s.URL)
}

// answer has the server answer so from now on.
func (s *server) answer(instead func(http.ResponseWriter, *http.Request) bool) {
	s.instead.Store(&instead)
}
