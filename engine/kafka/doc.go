// Package kafka is the adapter to Kafka: source.Source and sink.Sink on topics, and what the command needs to know of
// a cluster. It is the only importer of confluent-kafka-go.
//
// Records are read and written in batches by package rdkafka below; where that refuses, by the client's own calls,
// with the same results. Package cmd opens it; the engine sees only the ports.
package kafka
