package host_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/udfworker/address"
	"github.com/pyudf/pyudf/udfworker/host"
	"github.com/pyudf/pyudf/udfworker/wire"
	"github.com/pyudf/pyudf/udfworker/workertest"
)

// patience is how long a worker is waited for that is there in a moment.
const patience = time.Minute

func at(t *testing.T, text string) address.Address {
	t.Helper()
	parsed, err := address.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func listenAt(t *testing.T, socket string) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func offering(content string) workertest.Offer {
	return workertest.Offer{Protocol: wire.Protocol, Content: content}
}

func TestAnAttachedWorkerIsLeftToOthers(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "w.sock")
	defer workertest.Attachable(socket)()
	for _, text := range []string{socket, "unix://" + socket} {
		p, err := host.Attach(t.Context(), host.AttachConfig{Address: at(t, text), Timeout: patience})
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, p, floats(workertest.Same, 4)); got.Column.Floats[0] != 4 {
			t.Errorf("got %v", got.Column.Floats)
		}
		if err := p.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		<-p.Done()
	}
}

func TestCallsThatAreLostWithAnAttachedWorkerBlameNoRow(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "w.sock")
	stop := workertest.Attachable(socket)
	p, err := host.Attach(t.Context(), host.AttachConfig{Address: at(t, socket)})
	if err != nil {
		stop()
		t.Fatal(err)
	}
	pending := began(t.Context(), p, floats(workertest.Hold, 1))
	stop()
	err = <-pending
	if !errors.Is(err, dispatch.ErrLost) {
		t.Errorf("got %v", err)
	}
	requireSays(t, err, "the connection to the worker at unix://"+socket+" was lost")
	<-p.Done()
}

func TestAWorkerThatEndsItsStreamInGoodOrderWasStopped(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "w.sock")
	defer workertest.Attachable(socket)()
	p, err := host.Attach(t.Context(), host.AttachConfig{Address: at(t, socket)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Run(t.Context(), floats(workertest.Leave, 1))
	if !errors.Is(err, dispatch.ErrAway) {
		t.Errorf("got %v", err)
	}
	requireSays(t, err, "was stopped after it had answered what it had begun")
	<-p.Done()
}

func TestAttachingToNothingSaysHowToStartAWorker(t *testing.T) {
	_, err := host.Attach(t.Context(), host.AttachConfig{Address: at(t, "/no/such.sock")})
	requireSays(t, err, "no worker listens at /no/such.sock", "`pyudf worker APP.py --socket /no/such.sock`")

	socket := abandonedSocket(t)
	_, err = host.Attach(t.Context(), host.AttachConfig{Address: at(t, "unix://"+socket)})
	requireSays(t, err, "no worker listens at "+socket+": the socket is left from one that ended", "`pyudf worker APP.py --socket "+socket+"`")
	if strings.Contains(err.Error(), "rpc error") {
		t.Error(err)
	}
}

// abandonedSocket is the path of a socket that nobody listens at any more.
func abandonedSocket(t *testing.T) string {
	t.Helper()
	address := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "w.sock"), Net: "unix"}
	listener, err := net.ListenUnix("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return address.Name
}

// attaching begins to attach and returns where the worker, and its error, will be.
func attaching(ctx context.Context, s *host.Sidecar) (<-chan *host.Process, <-chan error) {
	there, failed := make(chan *host.Process, 1), make(chan error, 1)
	go func() {
		p, err := s.Attach(ctx)
		if err != nil {
			failed <- err
			return
		}
		there <- p
	}()
	return there, failed
}

// expectThere returns the worker once it is there.
func expectThere(t *testing.T, there <-chan *host.Process, failed <-chan error) *host.Process {
	t.Helper()
	select {
	case p := <-there:
		t.Cleanup(p.Kill)
		return p
	case err := <-failed:
		t.Fatal(err)
		return nil
	}
}

// sidecarOf returns the worker at a socket, and the reasons for which it is waited.
func sidecarOf(t *testing.T, socket string, change func(*host.AttachConfig)) (*host.Sidecar, <-chan error) {
	t.Helper()
	reasons := make(chan error, 100)
	config := host.AttachConfig{
		Address: at(t, socket), Timeout: patience, Logger: slog.New(slog.DiscardHandler),
		Waiting: func(reason error) { reasons <- reason },
	}
	if change != nil {
		change(&config)
	}
	return host.NewSidecar(config), reasons
}

func TestAWorkerThatIsNotThereIsWaitedFor(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "w.sock")
	sidecar, reasons := sidecarOf(t, socket, nil)
	there, failed := attaching(t.Context(), sidecar)
	requireSays(t, <-reasons, "no worker listens at "+socket)
	defer workertest.Attachable(socket)()
	p := expectThere(t, there, failed)
	run(t, p, floats(workertest.Same, 1))
}

func TestTheLossAndTheReturnOfAWorkerAreOneLineEach(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "w.sock")
	stop := workertest.Attachable(socket)
	log := &recorder{}
	sidecar, reasons := sidecarOf(t, socket, func(c *host.AttachConfig) { c.Logger = slog.New(log) })
	p, err := sidecar.Attach(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop()
	<-p.Done()
	there, failed := attaching(t.Context(), sidecar)
	requireSays(t, <-reasons, socket)
	defer workertest.Attachable(socket)()
	expectThere(t, there, failed)
	for message, times := range map[string]int{"the worker is lost, waiting until it is back": 1, "the worker is back": 1, "waiting for the worker": 0} {
		if got := log.count(message); got != times {
			t.Errorf("%q was logged %d times, want %d", message, got, times)
		}
	}
}

func TestAWorkerWithAnotherEngineIsWaitedFor(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "w.sock")
	defer workertest.Attachable(socket)()
	first, err := host.Attach(t.Context(), host.AttachConfig{Address: at(t, socket)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = host.Attach(t.Context(), host.AttachConfig{Address: at(t, socket)})
	requireSays(t, err, "the worker at unix://"+socket+" is not ready: a stream of batches is open already")
	sidecar, reasons := sidecarOf(t, socket, nil)
	there, failed := attaching(t.Context(), sidecar)
	requireSays(t, <-reasons, socket)
	run(t, first, floats(workertest.Same, 1)) // it is not disturbed
	first.Kill()
	run(t, expectThere(t, there, failed), floats(workertest.Same, 1))
}

func TestAWorkerWithAnotherBundleIsRefusedByItsHash(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "w.sock")
	defer workertest.AttachableAt(listenAt(t, socket), offering("aaaaaaaaaaaaaaaa"))()
	sidecar, _ := sidecarOf(t, socket, func(c *host.AttachConfig) { c.Expect = "bbbbbbbbbbbbbbbb" })
	const says = " serves another bundle (aaaaaaaaaaaa) than the deployment (bbbbbbbbbbbb): restart it with the bundle"
	_, err := sidecar.Attach(t.Context())
	requireSays(t, err, "the worker at unix://"+socket+says)
	_, err = sidecar.Describe(t.Context())
	requireSays(t, err, says)
	if bundle, ok := errors.AsType[*host.BundleError](err); !ok || bundle.Serves != "aaaaaaaaaaaaaaaa" {
		t.Errorf("got %T", err)
	}
}

func TestAfterALossTheWorkerWithTheSameCodeIsWaitedFor(t *testing.T) {
	for name, expect := range map[string]string{"expected": "aaaa", "begun with": ""} {
		t.Run(name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "w.sock")
			stop := workertest.AttachableAt(listenAt(t, socket), offering("aaaa"))
			sidecar, reasons := sidecarOf(t, socket, func(c *host.AttachConfig) { c.Expect = expect })
			p, err := sidecar.Attach(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			stop()
			<-p.Done()
			stop = workertest.AttachableAt(listenAt(t, socket), offering("cccc"))
			there, failed := attaching(t.Context(), sidecar)
			requireSays(t, <-reasons, "(cccc) than", "(aaaa)", "restart it with")
			stop()
			defer workertest.AttachableAt(listenAt(t, socket), offering("aaaa"))()
			if got := expectThere(t, there, failed).Description().GetContentHash(); got != "aaaa" {
				t.Errorf("it goes on with %s", got)
			}
		})
	}
}

func TestAnotherProtocolIsRefusedAndSaysWhichSideToUpdate(t *testing.T) {
	for protocol, says := range map[uint32]string{
		wire.Protocol - 1: "update pyudf in the worker's environment",
		wire.Protocol + 1: "update the engine",
	} {
		socket := filepath.Join(t.TempDir(), "w.sock")
		stop := workertest.AttachableAt(listenAt(t, socket), workertest.Offer{Protocol: protocol})
		_, err := host.Attach(t.Context(), host.AttachConfig{Address: at(t, socket), Timeout: patience})
		requireSays(t, err, "the worker at unix://"+socket, "pyudf 0.0.1", says)
		stop()
	}
}

func TestWaitingEndsWithItsTimeAndWhenTheRunEnds(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "w.sock")
	sidecar, _ := sidecarOf(t, socket, func(c *host.AttachConfig) { c.Timeout = 120 * time.Millisecond })
	_, err := sidecar.Attach(t.Context())
	requireSays(t, err, "no worker listens", "waited 120ms")

	quit := make(chan struct{})
	sidecar, reasons := sidecarOf(t, socket, func(c *host.AttachConfig) { c.Quit = quit })
	_, failed := attaching(t.Context(), sidecar)
	requireSays(t, <-reasons, socket)
	close(quit)
	requireSays(t, <-failed, "stopped without waiting any longer", "no worker listens")

	ctx, cancel := context.WithCancel(t.Context())
	sidecar, reasons = sidecarOf(t, socket, nil)
	_, failed = attaching(ctx, sidecar)
	requireSays(t, <-reasons, socket)
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
