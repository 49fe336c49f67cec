// Package tail owns how the records of a topic are shown: which ones, in which order, and how each reads.
//
// It reads through the source port and knows no Kafka.
package tail
