package kafkatest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/broker"
)

// patience is how long a thing may take that happens at once on an idle machine.
const patience = 90 * time.Second

// run is what the tests of one binary share. Each part comes to be when the first test asks for it.
type run struct {
	dir   func() (string, error)
	kafka func() (*broker.Kafka, error)
	pyudf func() (string, error)

	mu   sync.Mutex // guards ends
	ends []func(failed bool)
}

//nolint:gochecknoglobals // one test binary is one run, and Main and the tests meet only here
var shared = newRun()

func newRun() *run {
	r := &run{}
	r.dir = sync.OnceValues(r.makeDir)
	r.kafka = sync.OnceValues(r.startKafka)
	r.pyudf = sync.OnceValues(r.buildPyudf)
	return r
}

// Main runs the tests of a package and cleans up behind them: write `os.Exit(kafkatest.Main(m))` in TestMain.
// If a test failed, the log of Kafka is kept under build/ and its path printed.
func Main(m *testing.M) int {
	code := m.Run()
	shared.end(code != 0)
	return code
}

func (r *run) atEnd(f func(failed bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, f)
}

func (r *run) end(failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range slices.Backward(r.ends) {
		f(failed)
	}
}

func (r *run) makeDir() (string, error) {
	dir, err := os.MkdirTemp("", "pyudf-integration-")
	if err != nil {
		return "", fmt.Errorf("make a directory for the test run: %w", err)
	}
	r.atEnd(func(bool) {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, "remove the files of the test run:", err)
		}
	})
	return dir, nil
}

func (r *run) startKafka() (*broker.Kafka, error) {
	dir, err := r.dir()
	if err != nil {
		return nil, err
	}
	kafka, err := startKafka(broker.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	r.atEnd(func(failed bool) {
		kafka.Kill()
		if failed {
			keepLog(kafka.Log())
		}
	})
	return kafka, nil
}

// startKafka starts a broker with its files in config.Dir, set to be up soon rather than fast.
func startKafka(config broker.Config) (*broker.Kafka, error) {
	jars, err := findJars()
	if err != nil {
		return nil, err
	}
	config.Jars = jars
	config.JVM = []string{"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return broker.Start(ctx, config)
}

func keepLog(path string) {
	kept, err := copyToBuild(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "keep the log of Kafka:", err)
		return
	}
	fmt.Fprintln(os.Stderr, "a test failed; the log of Kafka is in", kept)
}

func copyToBuild(path string) (string, error) {
	root, err := findRoot()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	build := filepath.Join(root, "build")
	if err := os.MkdirAll(build, 0o755); err != nil {
		return "", err
	}
	kept := filepath.Join(build, fmt.Sprintf("kafka-%d.log", os.Getpid()))
	return kept, os.WriteFile(kept, text, 0o600)
}
