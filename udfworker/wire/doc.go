// Package wire converts between the calls and results of engine/dispatch and the messages of a worker process.
//
// Both conversions are total: whatever a message holds, they return a value or an error and never panic, because
// the other side runs code that the engine does not trust. A result that was returned has the shape that its call
// asked for: its rows, offsets and sources can be indexed without a further check.
//
// On a little-endian host the buffers are not copied: a request shares the memory of the call, a result that of the
// response. Neither may be changed afterwards.
//
// It knows no process and no connection; udfworker/host calls it.
package wire
