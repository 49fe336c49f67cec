// Package record owns the vocabulary that every other package of the engine shares: batches as a source hands them
// over, columns as functions and expressions see them, and messages as a sink takes them.
//
// It knows no Kafka, no worker and no file format, and does no I/O.
package record
