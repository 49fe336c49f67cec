package main

import (
	"bufio"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDevSaysWhereItListensAndLeavesNoReadyFile(t *testing.T) {
	p := newProgram(t)
	read, write := io.Pipe()
	p.world.out = write
	ready := filepath.Join(t.TempDir(), "ready")
	ended := make(chan int, 1)
	go func() {
		ended <- execute(t.Context(), []string{"dev", "--addr", ":0", "--ready-file", ready}, p.world)
		_ = write.Close()
	}()
	first, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, p.err.String())
	}
	go io.Copy(io.Discard, read) //nolint:errcheck // it only drains
	text, err := os.ReadFile(ready)
	addr := strings.TrimSpace(string(text))
	if err != nil || !strings.HasPrefix(first, "A Kafka broker listens on "+addr+". ") {
		t.Fatalf("the ready file has %q (%v), the first line is %q", addr, err, first)
	}
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := connection.Close(); err != nil {
		t.Error(err)
	}
	p.signals <- os.Interrupt
	if code := <-ended; code != 0 {
		t.Fatalf("it ended with %d: %s", code, p.err.String())
	}
	if _, err := os.Stat(ready); !os.IsNotExist(err) {
		t.Fatalf("the ready file is still there (%v)", err)
	}
	if entries, _ := fs.Glob(os.DirFS(filepath.Dir(ready)), "*"); len(entries) > 0 {
		t.Fatalf("%v were left behind", entries)
	}
}

func TestDevNamesTheReadyFileThatItCannotWrite(t *testing.T) {
	p := newProgram(t)
	p.refuses(t, "pyudf: --ready-file /nowhere/ready: no such file or directory", "dev", "--addr", ":0", "--ready-file", "/nowhere/ready")
}

func TestWelcomeNeedsNoFlagsOnTheDefaultAddress(t *testing.T) {
	if text := welcome("127.0.0.1:9092", ""); strings.Contains(text, "export") || !strings.Contains(text, "--data-dir DIR keeps it") {
		t.Errorf("got\n%s", text)
	}
	text := welcome("127.0.0.1:4000", "data")
	if !strings.Contains(text, "  export PYUDF_BROKERS=127.0.0.1:4000\n") || !strings.Contains(text, "Its data are kept in data.") {
		t.Errorf("got\n%s", text)
	}
}
