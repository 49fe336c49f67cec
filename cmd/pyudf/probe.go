//go:build !crash

package main

// probe returns what the engine tells of the points that it passes: nobody asks.
func probe(*world) func(point string) { return nil }
