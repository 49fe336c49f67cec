// Command pyudf runs Python functions on Kafka streams.
//
// It owns the flags and the wiring: it is the only place where adapters meet the engine's ports. What is worth a test
// of its own lives in the packages below internal.
package main
