// Package status owns what a run knows of itself: plain values for each task, and the board on which they are collected.
//
// It knows neither Kafka nor stores, and imports nothing of the tree. Readers and tasks write to the board as they go;
// whoever shows a run takes a snapshot of it.
package status
