// Package overview owns how the runs of a machine are shown by `pyudf status`: a table for a person at a terminal, a line
// with names and numbers for each task in a pipe.
//
// It knows values of engine/status and a clock, and neither processes nor sockets.
package overview
