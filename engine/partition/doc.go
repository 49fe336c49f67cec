// Package partition says which partition of a topic a key goes to, as Kafka's own Java client does, so that topics which pyudf
// wrote and topics which others wrote can be read side by side.
//
// It knows keys as bytes and nothing else. The exchange that re-keys rows calls it.
package partition
