package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kafka is one broker. Its methods are for one goroutine at a time.
type Kafka struct {
	config Config
	ports  ports
	run    *process // nil while the broker is away
}

// started is the line that a broker logs once it serves.
const started = "Kafka Server started"

// Start formats a new broker in config.Dir and returns once it serves. ctx bounds the start, not the life.
func Start(ctx context.Context, config Config) (*Kafka, error) {
	p, err := pickPorts(ctx)
	if err != nil {
		return nil, err
	}
	k := &Kafka{config: config, ports: p}
	if err := config.write(p); err != nil {
		return nil, err
	}
	if err := k.format(ctx); err != nil {
		return nil, err
	}
	return k, k.Start(ctx)
}

func (k *Kafka) format(ctx context.Context) error {
	const cluster = "AAAAAAAAAAAAAAAAAAAAAQ"
	args := k.java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", k.config.settings())
	out, err := exec.CommandContext(ctx, "java", args...).CombinedOutput() //nolint:gosec // our own arguments
	if err != nil {
		return fmt.Errorf("format the broker's data directory: %w; java said: %s", err, out)
	}
	return nil
}

func (k *Kafka) java(class string, args ...string) []string {
	logging := []string{
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-cp", filepath.Join(k.config.Jars, "*"),
		class,
	}
	options := append([]string{"-XX:-UsePerfData"}, k.config.JVM...)
	return append(append(options, logging...), args...)
}

// Start brings a stopped broker back, on the same ports and with the same data, and returns once it serves.
func (k *Kafka) Start(ctx context.Context) error {
	if k.run != nil {
		return errors.New("the broker runs already: Stop it first")
	}
	log, err := os.OpenFile(k.config.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the broker's log: %w", err)
	}
	run, err := launch(log, started, "java", k.java("kafka.Kafka", k.config.settings())...)
	if err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	select {
	case <-run.ready:
		k.run = run
		return nil
	case <-run.done:
		return fmt.Errorf("the broker ended before it served; the end of its log:\n%s", k.logTail())
	case <-ctx.Done():
		run.kill()
		return fmt.Errorf("wait for the broker to serve: %w; the end of its log:\n%s", ctx.Err(), k.logTail())
	}
}

// Stop shuts the broker down in good order and returns when it is gone. Start brings it back.
func (k *Kafka) Stop(ctx context.Context) error {
	if k.run == nil {
		return nil
	}
	defer func() { k.run = nil }()
	return k.run.terminate(ctx)
}

// Kill ends the broker at once, as a power cut would. It returns when the process is gone; killing twice is harmless.
// Start brings it back.
func (k *Kafka) Kill() {
	if k.run == nil {
		return
	}
	k.run.kill()
	k.run = nil
}

// Addr is the bootstrap address of the listener that asks for no password.
func (k *Kafka) Addr() string { return k.ports.plain }

// SASLAddr is the bootstrap address of the listener that wants User and Password, without TLS.
func (k *Kafka) SASLAddr() string { return k.ports.sasl }

// ProxiedAddr is where a proxy at Config.Proxy reaches the broker.
func (k *Kafka) ProxiedAddr() string { return k.ports.proxied }

// Log is the path of the broker's log.
func (k *Kafka) Log() string { return k.config.log() }

func (k *Kafka) logTail() string {
	const lines = 30
	text, err := os.ReadFile(k.config.log())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
