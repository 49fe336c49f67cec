// Package outcome owns how the program ends: the exit code that an error stands for, and the one message that it leaves.
//
// It knows no command. Every package of the program may call it; main asks it last.
package outcome

import (
	"errors"
	"fmt"
)

// The exit codes of the program.
const (
	Done   = 0
	Failed = 1
	// Mend means that nothing is wrong with the program: the user has to change something first.
	Mend = 2
)

// mendError is an error that the user has to mend before another try.
type mendError struct {
	err error
}

func (e *mendError) Error() string { return e.err.Error() }

func (e *mendError) Unwrap() error { return e.err }

// Mendable marks err as something that the user has to mend; nil stays nil.
func Mendable(err error) error {
	if err == nil {
		return nil
	}
	return &mendError{err: err}
}

// Mendf returns an error that the user has to mend. Its text says what happened, where, and what to do next.
func Mendf(format string, args ...any) error {
	return &mendError{err: fmt.Errorf(format, args...)}
}

// Code returns the exit code for what a command returned.
func Code(err error) int {
	var mend *mendError
	switch {
	case err == nil:
		return Done
	case errors.As(err, &mend):
		return Mend
	default:
		return Failed
	}
}
