// Package source is the port through which records enter the engine. Adapters: source/kafka, source/file.
//
// It knows nothing of what happens to the records. The engine's loop is its only caller.
package source
