// Package sourcetest holds a source fed by hand, for tests of what reads from a source, and the suite of promises that
// every bounded source keeps, for tests of the adapters.
//
// It knows no adapter. Only tests import it.
package sourcetest
