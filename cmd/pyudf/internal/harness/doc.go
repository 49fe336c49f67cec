// Package harness owns a run without a broker: topics in memory, a clock that stands still until it is told to move, and
// the real engine between them. It is what pyudf.testing drives, one command after the other.
//
// After each command everything that was sent has gone through all stages, one after the other, and is committed. It
// knows no Kafka and no Python: workers come through dispatch.Start.
package harness
