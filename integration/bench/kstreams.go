package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	streamsSource = "integration/bench/kstreams"
	streamsJars   = ".kafka/streams"
	streamsTitle  = "Kafka Streams"
)

// kafkaStreams runs the benchmark's tasks on Kafka Streams, which is in a directory of compiled classes.
type kafkaStreams struct{ classes string }

// compileStreams makes Kafka Streams ready to run. An error says what is not here.
func compileStreams(ctx context.Context) (kafkaStreams, error) {
	jars, err := filepath.Glob(filepath.Join(streamsJars, "kafka-streams-*.jar"))
	if err != nil || len(jars) == 0 {
		return kafkaStreams{}, errors.Join(fmt.Errorf("no jars in %s: run `make bench` where Maven can fetch them", streamsJars), err)
	}
	sources, err := filepath.Glob(filepath.Join(streamsSource, "*.java"))
	if err != nil {
		return kafkaStreams{}, fmt.Errorf("look for programs in %s: %w", streamsSource, err)
	}
	classes := filepath.Join(logDir, "kstreams")
	if err := os.MkdirAll(classes, 0o755); err != nil {
		return kafkaStreams{}, fmt.Errorf("make a directory for classes: %w", err)
	}
	args := append([]string{"-cp", filepath.Join(streamsJars, "*"), "-d", classes}, sources...)
	if out, err := exec.CommandContext(ctx, "javac", args...).CombinedOutput(); err != nil { //nolint:gosec // our own arguments
		return kafkaStreams{}, fmt.Errorf("compile %s: %w\n%s", streamsSource, err, out)
	}
	return kafkaStreams{classes}, nil
}

// streamsField is Kafka Streams with the guarantees on a task, if it is here; else it says why not.
func streamsField(ctx context.Context, taskName string, guarantees ...string) []contender {
	streams, err := compileStreams(ctx)
	if err != nil {
		fmt.Printf("%s is not here: %v\n", streamsTitle, err)
		return nil
	}
	var field []contender
	for _, guarantee := range guarantees {
		field = append(field, streams.on(taskName, guarantee))
	}
	return field
}

// on is Kafka Streams on a task. What it does is in its Java sources.
func (k kafkaStreams) on(taskName, guarantee string) contender {
	return contender{
		name: "kstreams-" + taskName + "-" + guarantee, title: streamsTitle + ", " + guarantee,
		args: func(at places) []string {
			return []string{
				"java", "-XX:-UsePerfData", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
				"-cp", k.classes + ":" + filepath.Join(streamsJars, "*"), "Peer", taskName, guarantee, at.state,
			}
		},
	}
}
