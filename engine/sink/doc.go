// Package sink is the port through which records leave the engine. Adapters: sink/kafka, sink/file.
//
// It knows nothing of where the records come from.
package sink
