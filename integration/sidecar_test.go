package integration_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// complete fails unless all numbers came out doubled and none is a dead letter.
func (s *sidecar) complete(t *testing.T, count int) {
	t.Helper()
	doubled(t, s.results(t), count)
	if s.broker.Exists(t, s.app+".dlq") {
		if letters := s.deadLetters(t); len(letters) > 0 {
			t.Errorf("%d dead letters: %s", len(letters), letters[0].Header("pyudf.message"))
		}
	}
}

func TestASidecarThatIsKilledInTheMidstOfRecordsLosesNothing(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		const count = 2000
		s := newSidecar(t, b, "slow.py")
		s.produce(t, numbersTo(count)...)
		worker := s.serve(t)
		run := s.attach(t)
		s.awaitCalls(t, 300)
		killProcess(t, python(t, worker)) // the command starts another
		run.await(t, "the worker is lost, waiting until it is back")
		run.await(t, "the worker is back .*after=")
		s.awaitCalls(t, 900)
		worker.kill() // now all of it
		s.serve(t)
		run.succeed(t)
		s.complete(t, count)
		if back := strings.Count(run.err.String(), "the worker is back"); back != 2 {
			t.Errorf("the worker came back %d times, want 2", back)
		}
	})
}

func TestASidecarThatIsStoppedFinishesWhatItHasBegunAndNoRowRunsTwice(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		const count = 2000
		s := newSidecar(t, b, "slow.py")
		s.produce(t, numbersTo(count)...)
		worker := s.serve(t)
		run := s.attach(t)
		for _, calls := range []int{300, 900, 1500} {
			s.awaitCalls(t, calls)
			worker.stop(t) // ends with 0
			run.await(t, "the worker was stopped by whoever runs it, waiting until it is back")
			worker = s.serve(t)
		}
		run.succeed(t)
		s.complete(t, count)
		all := s.called(t)
		slices.Sort(all)
		if distinct := len(slices.Compact(all)); len(s.called(t)) != count || distinct != count {
			t.Errorf("%d calls for %d of %d rows", len(s.called(t)), distinct, count)
		}
	})
}

func TestASidecarThatComesBackWithOtherCodeIsRefusedUntilTheRightOneIsThere(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		const count = 1000
		s := newSidecar(t, b, "slow.py")
		s.produce(t, numbersTo(count)...)
		right := filepath.Join(filepath.Dir(s.socket), "slow.pyudf")
		other := filepath.Join(filepath.Dir(s.socket), "double.pyudf")
		pyudf(t, nil, "bundle", "build", s.file, "-o", right)
		pyudf(t, nil, "bundle", "build", filepath.Join("testdata", "apps", "double.py"), "-o", other)
		s.file = right
		worker := s.serve(t)
		var shown struct{ Content_hash string } //nolint:revive,staticcheck // as it is written
		if err := json.Unmarshal([]byte(pyudf(t, nil, "bundle", "show", right, "--output", "json").out.String()), &shown); err != nil {
			t.Fatal(err)
		}
		if content := worker.await(t, `serving.* content=(\w+)`); content != shown.Content_hash {
			t.Errorf("the worker serves %s, the bundle is %s", content, shown.Content_hash)
		}
		run := s.attach(t)
		s.awaitCalls(t, 300)
		worker.stop(t)
		s.file = other
		worker = s.serve(t)
		run.await(t, "serves other code .* than this run began with .*restart it with that")
		worker.stop(t)
		s.file = right
		s.serve(t)
		run.succeed(t)
		s.complete(t, count)
	})
}

func TestARecordThatEndsOrHangsASidecarIsFoundAndTheOthersComeThrough(t *testing.T) {
	for does, exception := range map[string]string{"exit": "WorkerDied", "hang": "Timeout"} {
		t.Run(does, func(t *testing.T) {
			kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
				s := newSidecar(t, b, "faults.py")
				sent := s.produce(t, neighbours(20, `{"x":20,"do":"`+does+`"}`)...)
				s.serve(t)
				s.attach(t).succeed(t)
				doubled(t, s.results(t), len(sent), 20)
				letters := s.deadLetters(t)
				if len(letters) != 1 {
					t.Fatalf("%d dead letters, want the one record", len(letters))
				}
				says(t, letter(t, letters, sent[20]), map[string]string{"pyudf.exception": exception, "pyudf.function": "act"})
			})
		})
	}
}

func TestASecondEngineWaitsUntilTheFirstHasLeftTheSidecar(t *testing.T) {
	b := kafkatest.Embedded(t)
	s := newSidecar(t, b, "slow.py")
	s.produce(t, numbersTo(500)...)
	s.serve(t)
	first := start(t, b, nil, "run", "--attach", s.socket, "--group", s.app)
	s.awaitCalls(t, 100)
	second := s.attach(t, "--group", kafkatest.Name(t, "second"))
	second.await(t, "waiting for the worker .*a worker serves one engine at a time")
	impatient := s.attach(t, "--attach-timeout", "1ms")
	if code := impatient.wait(t); code != 2 {
		t.Errorf("it ended with %d", code)
	}
	contains(t, "the end", impatient.err.String(), "a worker serves one engine at a time")
	first.stop(t)
	second.succeed(t)
	contains(t, "the end", second.err.String(), "500 records in, 500 out")
}

func TestASidecarIsReadyOnceItsCodeIsLoadedAndSaysWhyNotBefore(t *testing.T) {
	b := kafkatest.Embedded(t)
	s := newSidecar(t, b, "needy.py")
	factor := filepath.Join(filepath.Dir(s.socket), "factor")
	s.more = env{"FACTOR": factor}
	worker := s.begin(t, "--socket", s.socket, "--health-addr", "127.0.0.1:0")
	ready := worker.await(t, `probes are answered .*ready=(\S+)`)
	live := strings.TrimSuffix(ready, "readyz") + "livez"
	isLive := func(when string) {
		if code, text := probed(t, live); code != http.StatusOK || text != "ok\n" {
			t.Errorf("%s it is not live: %d %s", when, code, text)
		}
	}
	var why string
	eventually(t, "the code cannot be loaded", func() bool {
		code, text := probed(t, ready)
		why = text
		return code == http.StatusServiceUnavailable && strings.Contains(text, "cannot be loaded")
	})
	contains(t, "the reason", why, "needy.py:8: FileNotFoundError", factor)
	isLive("without its code")
	engine := s.attach(t)
	if code := engine.wait(t); code != 2 {
		t.Errorf("the engine ended with %d", code)
	}
	contains(t, "the engine", engine.err.String(), "needy.py:8: FileNotFoundError")
	if err := os.WriteFile(factor, []byte("2"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is ready", func() bool { code, _ := probed(t, ready); return code == http.StatusOK })
	isLive("with its code")
	s.produce(t, numbersTo(10)...)
	s.attach(t).succeed(t)
	s.complete(t, 10)
	worker.stop(t)
	if _, err := os.Lstat(s.socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left (%v)", err)
	}
}

func TestACallThatOutlastsTheDrainIsCutOffAndASecondSignalDoesNotWait(t *testing.T) {
	b := kafkatest.Embedded(t)
	for name, test := range map[string]struct {
		flags   []string
		signals int
		says    string
	}{
		"the time is up":   {[]string{"--drain-timeout", "300ms"}, 1, "was still under way after 300ms and was cut off"},
		"a second request": {nil, 2, "stopped at once"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSidecar(t, b, "stuck.py")
			s.produce(t, numbersTo(1)...)
			worker := s.serve(t, test.flags...)
			run := start(t, b, nil, "run", "--attach", s.socket, "--group", s.app)
			s.awaitCalls(t, 1)
			for range test.signals {
				worker.interrupt(t, syscall.SIGTERM)
				worker.await(t, "stopping: finishing the calls under way")
			}
			if code := worker.wait(t); code != 1 {
				t.Errorf("it ended with %d", code)
			}
			contains(t, "the end", worker.err.String(), test.says)
			run.await(t, "the worker is lost")
			run.interrupt(t, syscall.SIGTERM) // it does not wait for a worker that may never come back
			if code := run.wait(t); code != 1 {
				t.Errorf("the engine ended with %d", code)
			}
			contains(t, "the engine", run.err.String(), "stopped without waiting any longer")
		})
	}
}

func TestACallOfAnEngineThatDiedDoesNotKeepTheSidecarFromTheNext(t *testing.T) {
	for does, record := range map[string]string{"waits": `{"x":0}`, "keeps Python's lock": `{"x":0,"seconds":3600}`} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			b := kafkatest.Embedded(t)
			s := newSidecar(t, b, "stuck.py")
			s.produce(t, record)
			worker := s.serve(t)
			run := start(t, b, nil, "run", "--attach", s.socket, "--group", s.app)
			s.awaitCalls(t, 1)
			first := python(t, worker)
			run.kill()
			start(t, b, nil, "run", "--attach", s.socket, "--group", s.app).await(t, "waiting for the worker .*(an engine has given up|does not answer)")
			s.awaitCalls(t, 2)
			if before := strings.Count(worker.err.String(), " pid="+strconv.Itoa(first)+" "); before != 1 || strings.Count(worker.err.String(), "serving") != 2 {
				t.Errorf("the worker was not started again:\n%s", worker.err)
			}
		})
	}
}
