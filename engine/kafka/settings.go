package kafka

import (
	"log/slog"
	"maps"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Settings are librdkafka's settings by their own names, such as bootstrap.servers or sasl.password.
type Settings map[string]string

// shared are defaults of every client.
func shared() map[string]string {
	return map[string]string{
		"client.id":            "pyudf",
		"enable.metrics.push":  "false",
		"log.connection.close": "false",
		"socket.nagle.disable": "true",
		"reconnect.backoff.ms": "100",
		// A broker that is away is asked for again at least this often.
		"reconnect.backoff.max.ms": "2000",
		"allow.auto.create.topics": "false",
		"socket.keepalive.enable":  "true",
	}
}

// producerDefaults: nothing is lost or reordered while brokers come and go, keys go where Java's clients put them.
func producerDefaults() map[string]string {
	return map[string]string{
		"enable.idempotence":           "true",
		"partitioner":                  "murmur2_random",
		"message.timeout.ms":           "0", // retry until the broker is back
		"linger.ms":                    "2",
		"batch.num.messages":           "10000",
		"queue.buffering.max.messages": "100000",
		"log.queue":                    "true",
		"delivery.report.only.error":   "true",
	}
}

// consumerDefaults: positions are committed by the engine alone, partitions move one by one.
func consumerDefaults() map[string]string {
	return map[string]string{
		"enable.auto.commit":            "false",
		"enable.auto.offset.store":      "false",
		"enable.partition.eof":          "true",
		"partition.assignment.strategy": "cooperative-sticky",
		"auto.offset.reset":             "earliest",
		// Without these two the client pauses for a second whenever its queue is full.
		"fetch.queue.backoff.ms": "2",
		"queued.min.messages":    "25000",
		// At thousands of records a second an answer for each few of them costs more than they do: the broker gathers a
		// little. Records that come singly wait these few ms at most.
		"fetch.min.bytes":   "8192",
		"fetch.wait.max.ms": "5",
	}
}

// merge returns defaults overlaid by the user's settings.
func merge(settings Settings, defaults ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, d := range defaults {
		maps.Copy(merged, d)
	}
	maps.Copy(merged, settings)
	return merged
}

// configMap is a configuration for the Go client, with its log lines in a channel.
func configMap(settings map[string]string) *kafka.ConfigMap {
	config := kafka.ConfigMap{"go.logs.channel.enable": true}
	for key, value := range settings {
		config[key] = value
	}
	return &config
}

// forwardLogs writes a client's log lines to logger until the channel is closed. What a person must know comes as
// events too, in clearer words: the lines are for debugging.
func forwardLogs(logs <-chan kafka.LogEvent, logger *slog.Logger) {
	for line := range logs {
		debug(logger, line)
	}
}

func debug(logger *slog.Logger, line kafka.LogEvent) {
	logger.Debug("librdkafka", "line", line.Message, "client", line.Name, "tag", line.Tag)
}
