// Package plugin starts a worker process with hashicorp/go-plugin and connects to it: handshake, process group,
// socket, the worker's output as log records, and how the process ended.
//
// It knows nothing of Python, functions or batches. It is the only importer of go-plugin, whose runner interface it
// hands on as Runner for a sandbox to implement. udfworker/host calls it.
//
// It also connects to workers that others started, on a Unix socket or by mutual TLS. That a peer is gone is left to the
// kernel to notice: pings of gRPC go unanswered while a function holds Python's lock, which is no reason to end its call.
//
// Three things are not left to go-plugin. The worker's stdout and stderr are read here, because its reader stops at a
// long line, which blocks the worker, and panics on some JSON. A worker is killed by its process group and reaped
// before the client is told, because the client asks a worker to shut down first and waits for one that cannot
// answer. And the connection is guarded by a private directory and the peer's user, because AutoMTLS uses a
// certificate that grpcio refuses.
package plugin
