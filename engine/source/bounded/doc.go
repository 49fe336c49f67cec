// Package bounded is a source of one partition that gives what a reader reads, and then ends: files, and the data of a
// notebook. It keeps no positions: every run reads from the start.
//
// It knows nothing of formats; whoever opens it brings the Reader.
package bounded
