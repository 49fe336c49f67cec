package control

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

// codedError is an error with the code that it has on the wire.
type codedError struct {
	code connect.Code
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }

func (e *codedError) Unwrap() error { return e.err }

// NotFound says that what was asked for is not there, and what to do.
func NotFound(format string, args ...any) error { return coded(connect.CodeNotFound, format, args) }

// Refused says that something has to be mended before it can be done, what, and how.
func Refused(format string, args ...any) error {
	return coded(connect.CodeFailedPrecondition, format, args)
}

// Invalid says what is wrong with what was asked for.
func Invalid(format string, args ...any) error {
	return coded(connect.CodeInvalidArgument, format, args)
}

func coded(code connect.Code, format string, args []any) error {
	return &codedError{code, outcome.Mendable(fmt.Errorf(format, args...))}
}

// IsNotFound tells whether an error is one of NotFound, here or at the node that was asked.
func IsNotFound(err error) bool {
	known, ok := errors.AsType[*codedError](err)
	return ok && known.code == connect.CodeNotFound
}

// onWire returns err as callers get it; nil stays nil.
func onWire(err error) error {
	if err == nil {
		return nil
	}
	known, isCoded := errors.AsType[*codedError](err)
	_, isWire := errors.AsType[*connect.Error](err)
	switch {
	case isCoded:
		return connect.NewError(known.code, errors.New(err.Error()))
	case isWire:
		return err
	case errors.Is(err, context.Canceled):
		return connect.NewError(connect.CodeCanceled, err)
	case errors.Is(err, context.DeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, err)
	case outcome.Code(err) == outcome.Mend:
		return connect.NewError(connect.CodeFailedPrecondition, errors.New(err.Error()))
	default:
		return connect.NewError(connect.CodeInternal, errors.New(err.Error()))
	}
}

// fromWire returns what a node answered: its whole text, and whether the user has to mend something.
func fromWire(answer *connect.Error) error {
	err := &codedError{answer.Code(), errors.New(answer.Message())}
	switch answer.Code() {
	case connect.CodeNotFound, connect.CodeFailedPrecondition, connect.CodeInvalidArgument, connect.CodeUnauthenticated,
		connect.CodePermissionDenied, connect.CodeResourceExhausted, connect.CodeUnimplemented:
		return outcome.Mendable(err)
	default:
		return err
	}
}

// IsAnswer tells whether an error of a Client is what a node answered, and not that none did.
func IsAnswer(err error) bool {
	_, ok := errors.AsType[*codedError](err)
	return ok
}
