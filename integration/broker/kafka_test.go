package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/broker"
)

const patience = 90 * time.Second

// jars is where `make kafka` puts Kafka.
func jars(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PYUDF_KAFKA_JARS")
	if dir == "" {
		dir = filepath.Join("..", "..", ".kafka", "jars")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: run `make kafka`", err)
		}
		t.Skipf("%v: run `make kafka`", err)
	}
	return dir
}

// TestOrphan is the process that TestKafkaDiesWithTheProcessThatStartedIt kills.
func TestOrphan(t *testing.T) {
	dir := os.Getenv("PYUDF_ORPHAN_DIR")
	if dir == "" {
		t.Skip("runs only as the child of TestKafkaDiesWithTheProcessThatStartedIt")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kafka, err := broker.Start(ctx, broker.Config{Jars: jars(t), Dir: dir, JVM: []string{"-Xmx256m"}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("serves at", kafka.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
}

func TestKafkaDiesWithTheProcessThatStartedIt(t *testing.T) {
	jars(t)
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOrphan$", "-test.v")
	parent.Env = append(os.Environ(), "PYUDF_ORPHAN_DIR="+t.TempDir())
	if _, err := parent.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	conn := dialAnnounced(t, output)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	awaitHangUp(t, conn)
}

// dialAnnounced connects to the broker whose address the output names.
func dialAnnounced(t *testing.T, output io.Reader) net.Conn {
	t.Helper()
	lines := bufio.NewScanner(output)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		addr, found := strings.CutPrefix(lines.Text(), "serves at ")
		if !found {
			continue
		}
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	t.Fatalf("the broker's parent ended early and said:\n%s", strings.Join(said, "\n"))
	return nil
}

// awaitHangUp returns when the process at the other end is gone: the kernel then closes its connections.
func awaitHangUp(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Read(make([]byte, 1))
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // Read returns it bare
		t.Fatalf("the broker outlived its parent: %v", err)
	}
}

func TestStartSaysWhyABrokerDoesNotComeUp(t *testing.T) {
	if _, err := exec.LookPath("java"); err != nil {
		t.Skip(err)
	}
	_, err := broker.Start(t.Context(), broker.Config{Jars: t.TempDir(), Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "kafka.tools.StorageTool") {
		t.Fatalf("got %v, want what java says of the missing class", err)
	}
}
