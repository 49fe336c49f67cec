// Package sinktest holds a sink that remembers what was written to it, for tests of what writes to a sink, and the suite
// of promises that every sink keeps, for tests of the adapters.
//
// It knows no adapter. Only tests import it.
package sinktest
