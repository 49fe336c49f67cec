// Package simtest runs the engine against a Kafka that is made up: topics with transactions, groups and committed offsets in
// memory, on nodes whose disks survive them. Whatever the engine asks of the world waits at a Gate, and a Conductor lets one
// call after the other go on, in an order that is drawn from a seed, and in between has nodes crash, partitions move,
// replies get lost and time pass. So a seed tells what happens, and the same seed tells it again.
//
// What Cluster does is what Kafka promises and no more: a transaction becomes visible partition by partition, offsets are taken
// from any member of the group, and who is not a member any more does not know it yet. It must not know what the engine does
// with it. Tests call it.
package simtest
