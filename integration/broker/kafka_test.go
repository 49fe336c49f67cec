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

// orphanDir makes the test binary a process that starts a broker there and waits to be killed.
const orphanDir = "PYUDF_ORPHAN_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(orphanDir); dir != "" {
		if err := orphan(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func orphan(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	kafka, err := broker.Start(ctx, broker.Config{Jars: jarsDir(), Dir: dir, JVM: []string{"-Xmx256m"}})
	if err != nil {
		return err
	}
	fmt.Println("serves at", kafka.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// jarsDir is where `make kafka` puts Kafka.
func jarsDir() string {
	if dir := os.Getenv("PYUDF_KAFKA_JARS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", ".kafka", "jars")
}

// needsKafka skips a test where Kafka cannot run, or fails it in CI.
func needsKafka(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("java")
	if err == nil {
		_, err = os.Stat(jarsDir())
	}
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%v: install Java 17 and run `make kafka`", err)
	}
	t.Skipf("%v: install Java 17 and run `make kafka`", err)
}

func TestKafkaDiesWithTheProcessThatStartedIt(t *testing.T) {
	needsKafka(t)
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), orphanDir+"="+t.TempDir())
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
	needsKafka(t)
	_, err := broker.Start(t.Context(), broker.Config{Jars: t.TempDir(), Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "kafka.tools.StorageTool") {
		t.Fatalf("got %v, want what java says of the missing class", err)
	}
}
