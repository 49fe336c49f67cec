// Package kafka is the adapter to Kafka: source.Source, sink.Outlet, sink.Sink and sink.Log, and changelog.Log on topics, and
// what the command needs to know of a cluster. It is the only importer of confluent-kafka-go.
//
// Records are read and written in batches by package rdkafka below; where that refuses, records are read by the client's own
// calls, with the same results but for transactions, which need it. Package cmd opens it; the engine sees only the ports.
package kafka
