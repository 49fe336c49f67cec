// Package keyed owns the half of a program that needs all records of a key in their order: watermarks, windows, and
// the way to the task of another key. A Flow is that half in one task; its state is saved together with the position of
// the input that it reflects.
//
// It decides nothing by the clock but when asked to (Idle, Tick), and does no I/O but through state.Store. The task of a
// partition calls it, in one goroutine.
package keyed
