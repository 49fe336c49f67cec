// Package codec owns what stands between a record's bytes and its columns: it finds the fields that a plan reads in
// JSON objects, turns them into typed columns, and writes changed fields back without encoding the rest anew.
//
// It keeps every byte that no step asked to change: numbers pass with the digits that they came with. It knows
// neither topics nor functions. The program of a task calls it; codec/csv turns CSV into JSON texts before.
package codec
