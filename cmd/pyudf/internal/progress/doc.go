// Package progress owns what a person sees while a run goes on: one line that lives on a terminal, plain lines in a
// pipe, JSON lines in a log, and a summary at the end.
//
// It reads counters and knows nothing of what is counted. Time comes in through its arguments.
package progress
