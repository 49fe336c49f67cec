// Package task owns one partition while this process does: one goroutine takes the partition's batches, runs the
// program on a few of them at a time, writes the outcomes in the order of the batches and knows how far it is.
//
// It decides nothing about partitions or commits: package engine starts, drains and stops it.
package task
