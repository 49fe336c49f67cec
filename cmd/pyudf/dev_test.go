package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// devRun is `pyudf dev` at work.
type devRun struct {
	*program

	lines *bufio.Scanner
	ended chan int
}

func startDev(t *testing.T, args ...string) *devRun {
	t.Helper()
	read, write := io.Pipe()
	d := &devRun{program: newProgram(t), lines: bufio.NewScanner(read), ended: make(chan int, 1)}
	d.world.out = write
	go func() {
		d.ended <- execute(t.Context(), append([]string{"dev", "--addr", ":0"}, args...), d.world)
		_ = write.Close()
	}()
	return d
}

// until reads what it says up to a line that begins so, and returns the rest of that line.
func (d *devRun) until(t *testing.T, beginning string) string {
	t.Helper()
	var said []string
	for d.lines.Scan() {
		if rest, found := strings.CutPrefix(d.lines.Text(), beginning); found {
			return rest
		}
		said = append(said, d.lines.Text())
	}
	t.Fatalf("no line begins with %q:\n%s\n%s", beginning, strings.Join(said, "\n"), d.err.String())
	return ""
}

// stop presses Ctrl-C once.
func (d *devRun) stop(t *testing.T) {
	t.Helper()
	d.signals <- os.Interrupt
	if code := <-d.ended; code != 0 {
		t.Fatalf("it ended with %d: %s", code, d.err.String())
	}
}

func (d *devRun) listens(t *testing.T, addr string) {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := connection.Close(); err != nil {
		t.Error(err)
	}
}

func TestDevSaysWhereItListensAndLeavesNothingBehind(t *testing.T) {
	dir, temporary := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ready, engineReady := filepath.Join(dir, "ready"), filepath.Join(dir, "engine")
	d := startDev(t, "--ready-file", ready, "--engine-ready-file", engineReady)
	said := d.until(t, "A Kafka broker listens on ")
	if addr := oneLine(t, ready); !strings.HasPrefix(said, addr+". ") {
		t.Fatalf("the ready file has %q, it says %q", addr, said)
	}
	d.listens(t, oneLine(t, ready))
	url := strings.TrimSuffix(d.until(t, "An engine node listens on "), ".")
	if got := oneLine(t, engineReady); got != url {
		t.Fatalf("the file has %q, it says %q", got, url)
	}
	d.until(t, "Ctrl-C ends both.")
	asking := newProgram(t)
	asking.must(t, "list", "--engine", url)
	if want := "nothing is deployed yet: `pyudf deploy TARGET` does it\n"; asking.err.String() != want {
		t.Errorf("got %s, want %s", asking.err.String(), want)
	}
	d.stop(t)
	for _, left := range []string{dir, temporary} {
		if entries, err := os.ReadDir(left); err != nil || len(entries) > 0 {
			t.Errorf("%v were left behind (%v)", entries, err)
		}
	}
}

func TestDevKeepsTheStateOfItsNodeBesideItsData(t *testing.T) {
	dir := t.TempDir()
	d := startDev(t, "--data-dir", dir)
	d.until(t, "An engine node listens on ")
	d.until(t, "Ctrl-C ends both.")
	d.stop(t)
	if entries, err := os.ReadDir(filepath.Join(dir, "node")); err != nil || len(entries) == 0 {
		t.Fatalf("the node left %v (%v)", entries, err)
	}
}

func TestDevCanBeABrokerAlone(t *testing.T) {
	d := startDev(t, "--no-engine", "--engine-ready-file", "/nowhere/ready")
	addr, _, _ := strings.Cut(d.until(t, "A Kafka broker listens on "), ". ")
	d.until(t, "  pyudf run heat.py")
	d.until(t, "Ctrl-C ends it.")
	d.listens(t, addr)
	d.stop(t)
}

func TestWithoutPythonDevIsABrokerAndSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", "")
	t.Setenv("VIRTUAL_ENV", "")
	d := startDev(t)
	addr, _, _ := strings.Cut(d.until(t, "A Kafka broker listens on "), ". ")
	if said := d.until(t, "There is no node to deploy to: "); !strings.Contains(said, "install Python 3.11, or name an interpreter with --python") {
		t.Errorf("it says %s", said)
	}
	d.until(t, "Ctrl-C ends it.")
	d.listens(t, addr)
	d.stop(t)
}

func TestDevSaysWhatToWriteIfItsNodeCannotListen(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // nobody came
	p := newProgram(t)
	for listen, want := range map[string]string{
		taken.Addr().String(): " is in use by another program, perhaps another node: stop it, or write --listen :0 for any free port, or --no-engine for a broker alone",
		"0.0.0.0:0":           " is reached from other machines, which takes TLS and tokens: listen on 127.0.0.1:9191, or start a node with `pyudf engine`",
		"nowhere":             ": listen tcp: address nowhere: missing port in address; write HOST:PORT, such as 127.0.0.1:9191",
	} {
		p.refuses(t, "pyudf: --listen "+listen+want, "dev", "--addr", ":0", "--listen", listen)
		if p.out.Len() > 0 {
			t.Errorf("with --listen %s it said %s", listen, p.out.String())
		}
	}
}

func TestDevNamesTheReadyFileThatItCannotWrite(t *testing.T) {
	p := newProgram(t)
	for _, flag := range []string{"--ready-file", "--engine-ready-file"} {
		p.refuses(t, "pyudf: "+flag+" /nowhere/ready: no such file or directory", "dev", "--addr", ":0", flag, "/nowhere/ready")
	}
}

func TestDevNeedsNoVariablesOnItsDefaultAddresses(t *testing.T) {
	if text := greeting("127.0.0.1:9092", "") + advice("127.0.0.1:9092", "http://127.0.0.1:9191"); strings.Contains(text, "export") || !strings.Contains(text, "--data-dir DIR keeps it") {
		t.Errorf("got\n%s", text)
	}
	text := greeting("127.0.0.1:4000", "data") + advice("127.0.0.1:4000", "http://127.0.0.1:4001")
	for _, want := range []string{"Its data are kept in data.", "  export PYUDF_BROKERS=127.0.0.1:4000\n", "  export PYUDF_ENGINE=http://127.0.0.1:4001\n", "  pyudf deploy heat.ipynb\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// oneLine returns a file of one line.
func oneLine(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
