// Package window decides which records of a key belong together, when what they give is final, and which records come
// too late for that. It is pure: rows and a watermark in, results and late rows out; no clock, no goroutine, no I/O.
//
// Every decision is taken per record, at the watermark that stood before it, so that no result depends on how the
// stream was cut into batches. The semantics are those of docs/semantics.md, by their ids in the tests.
//
// It knows neither Kafka nor user functions. Package keyed owns an Operator for each windowed step of a task.
package window
