// Package broker runs a real Kafka, one node in KRaft mode, as a child process for tests and benchmarks.
//
// It knows nothing of testing and nothing of pyudf. The broker dies with the process that started it.
// Callers: integration/kafkatest, integration/bench.
package broker
