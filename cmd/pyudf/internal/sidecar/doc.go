// Package sidecar owns a worker that serves engines in other processes: it starts Python, starts it again when it dies,
// lets engines in on a Unix socket or by mutual TLS, says whether it is live and ready, and drains at the end.
//
// Python listens on a private socket alone, as under an engine. Connections from outside are handed on byte by byte, so
// that refusals are said in words, certificates can be replaced, and an engine that is gone is noticed while a function
// holds Python's lock. It knows no batches. The command `pyudf worker` calls it.
package sidecar
