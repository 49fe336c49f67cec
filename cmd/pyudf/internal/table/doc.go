// Package table owns how files become records for `pyudf produce`: CSV turns into JSON objects, JSON lines stay the
// bytes that they are.
//
// It reads from what it is given and knows no Kafka. What a line of CSV means is engine/codec/csv's.
package table
