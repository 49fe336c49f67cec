// Package workertest is a worker process in Go for the tests of udfworker: a test binary that starts itself.
//
// A package's TestMain calls Main first. Args and Env make a command line of the binary that Main answers by being
// the worker, so that the tests need no Python.
package workertest
