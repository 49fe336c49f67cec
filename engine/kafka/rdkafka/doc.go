// Package rdkafka reads and writes whole batches through the librdkafka that confluent-kafka-go carries, with one
// call into C for thousands of messages where the Go client makes one or more for each.
//
// It uses public functions of librdkafka only. What is not public is the handle inside the Go client's consumer,
// which it finds by reflection: For refuses (and the caller goes on with the client's own calls) unless client and
// library are exactly the versions that this package was written against. It knows nothing of what the messages
// mean. Package kafka is its only caller.
package rdkafka
