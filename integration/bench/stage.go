package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/integration/broker"
)

const (
	partitions = 4
	input      = "weather"
	logDir     = "build/bench"
)

// stage is what all contenders run on: one broker with the input loaded.
type stage struct {
	kafka   *broker.Kafka
	brokers string
	admin   *kafka.AdminClient
	dir     string
	made    int // topics made so far, for their names
}

func openStage(ctx context.Context) (*stage, error) {
	if _, err := os.Stat("bin/pyudf"); err != nil {
		return nil, errors.New("bin/pyudf is not here: run `make bench` in the root of the project")
	}
	if err := os.MkdirAll(logDir, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for logs: %w", err)
	}
	dir, err := os.MkdirTemp("", "pyudf-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the broker: %w", err)
	}
	s := &stage{dir: dir}
	if err := s.open(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) open(ctx context.Context) error {
	jars := os.Getenv("PYUDF_KAFKA_JARS")
	if jars == "" {
		jars = filepath.Join(".kafka", "jars")
	}
	starting, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var err error
	s.kafka, err = broker.Start(starting, broker.Config{Jars: jars, Dir: s.dir, JVM: []string{"-Xmx1g"}})
	if err != nil {
		return err
	}
	s.brokers = s.kafka.Addr()
	return s.connect()
}

func (s *stage) connect() error {
	var err error
	s.admin, err = kafka.NewAdminClient(&kafka.ConfigMap{
		"bootstrap.servers": s.brokers, "enable.metrics.push": false,
	})
	if err != nil {
		return fmt.Errorf("make an admin client: %w", err)
	}
	return nil
}

func (s *stage) close() {
	if s.admin != nil {
		s.admin.Close()
	}
	if s.kafka != nil {
		s.kafka.Kill()
	}
	if err := os.RemoveAll(s.dir); err != nil {
		fmt.Fprintln(os.Stderr, "bench: remove the broker's data:", err)
	}
}

// load fills the input topic with the same readings as ever.
func (s *stage) load(ctx context.Context, records int) error {
	if err := s.create(ctx, input, nil); err != nil {
		return err
	}
	script := "integration/bench/apps/gen.py"
	cmd := exec.CommandContext(ctx, python, script, s.brokers, input, strconv.Itoa(records))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("produce the readings: %w\n%s", err, out)
	}
	ends, err := s.ends(ctx, input)
	if err == nil && ends.sum() != int64(records) {
		err = fmt.Errorf("the topic %s holds %d readings, not %d", input, ends.sum(), records)
	}
	return err
}

// output creates a topic in which the broker stamps each record with the time it came in.
func (s *stage) output(ctx context.Context, name string) (string, error) {
	s.made++
	topic := fmt.Sprintf("out-%s-%d", name, s.made)
	return topic, s.create(ctx, topic, appendTimes())
}

// appendTimes has the broker stamp records with the time at which it takes them.
func appendTimes() map[string]string {
	return map[string]string{"message.timestamp.type": "LogAppendTime"}
}

// stateOf is where the contender that writes a topic keeps its state.
func (s *stage) stateOf(out string) string { return filepath.Join(s.dir, "state", out) }

func (s *stage) create(ctx context.Context, topic string, config map[string]string) error {
	results, err := s.admin.CreateTopics(ctx, []kafka.TopicSpecification{{
		Topic: topic, NumPartitions: partitions, ReplicationFactor: 1, Config: config,
	}})
	if err == nil && results[0].Error.Code() != kafka.ErrNoError {
		err = results[0].Error
	}
	if err != nil {
		return fmt.Errorf("create the topic %s: %w", topic, err)
	}
	return s.settled(ctx, topic)
}

// settled waits until a new topic answers: its partitions take a moment to find their leader.
func (s *stage) settled(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		// Metadata first: the client keeps what it last heard of the topic, and would go on counting with that.
		_, err := s.admin.GetMetadata(&topic, false, int(stall.Milliseconds()))
		if err == nil {
			_, err = s.ends(ctx, topic)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the new topic %s: %w", topic, err)
		}
	}
}

// remove frees the disk; the next run has a topic of its own.
func (s *stage) remove(ctx context.Context, topic string) error {
	if _, err := s.admin.DeleteTopics(ctx, []string{topic}); err != nil {
		return fmt.Errorf("delete the topic %s: %w", topic, err)
	}
	return nil
}
