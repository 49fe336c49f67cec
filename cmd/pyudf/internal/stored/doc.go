// Package stored owns what people do by hand with the state of a group: finding its stores, looking into them, and carrying
// them to a Parquet file and back.
//
// It reads stores through the port and what is in them through package keyed; it knows no command line and no Kafka. It
// reads and writes files while nobody else has the stores open, or copies of them.
package stored
