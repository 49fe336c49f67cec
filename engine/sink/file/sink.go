package file

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// writer writes the values of one format.
type writer interface {
	// write writes a value. It returns an *unfitError, and does nothing, if the value can never be written.
	write(value []byte) error
	// flush hands everything over to the operating system, as far as the format allows.
	flush() error
	// finish completes the file.
	finish() error
}

// unfitError says why one value cannot be written. Its neighbours can.
type unfitError struct{ reason string }

func (e *unfitError) Error() string { return e.reason }

func unfit(format string, args ...any) error { return &unfitError{fmt.Sprintf(format, args...)} }

// Sink writes one file. Create it with Create.
type Sink struct {
	path string

	mu     sync.Mutex // guards the fields below
	file   *partial
	writer writer
	// err is the first error. The file is of no use afterwards and will not get its name.
	err error
	// complete says that a Flush went well and nothing was written since.
	complete bool
	closed   bool
}

var _ sink.Sink = (*Sink)(nil)

// Create creates a file for JSON lines (FORMAT_JSON) or Parquet. Its error is a sentence for the user.
//
// JSON lines are the values as they are; one with line ends inside is written without them.
//
// A Parquet file's columns are the fields of the first 100,000 rows or 32 MiB, which are kept until then: int64, double,
// bool, string, or a JSON text in a string where a field has objects, lists, values of several types or nothing but
// nulls. A number with a fraction is a double, which rounds what has more than 17 digits; JSON lines keep them all.
// Later rows must fit: one with another field, or another type, is rejected. Nothing can be read before Close.
func Create(path string, format planv1.Format) (sink.Sink, error) {
	if format != planv1.Format_FORMAT_JSON && format != planv1.Format_FORMAT_PARQUET {
		return nil, fmt.Errorf("writing %s: files are written as JSON lines or Parquet; say format=\"json\" or \"parquet\"", path)
	}
	file, err := createPartial(path)
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	s := &Sink{path: path, file: file}
	if format == planv1.Format_FORMAT_PARQUET {
		s.writer = newParquetWriter(file)
	} else {
		s.writer = newLineWriter(file)
	}
	return s, nil
}

// Write implements sink.Sink.
func (s *Sink) Write(ctx context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var rejected []sink.Rejected
	for i := range messages.Len() {
		err := unfit("the value is null (a tombstone), which a file has no place for")
		if !messages.Values.IsNull(i) {
			err = s.writer.write(messages.Values.At(i))
		}
		if reason := (*unfitError)(nil); errors.As(err, &reason) {
			rejected = append(rejected, sink.Rejected{Index: i, Err: fmt.Errorf("writing %s: %w", s.path, err)})
			continue
		}
		if err != nil {
			return rejected, s.fail(err)
		}
		s.complete = false
	}
	return rejected, nil
}

// Flush implements sink.Sink.
func (s *Sink) Flush(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := s.writer.flush(); err != nil {
		return s.fail(err)
	}
	s.complete = true
	return nil
}

// Close implements sink.Sink. The file gets its name if everything written was flushed.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if !s.complete || s.err != nil {
		return s.file.Close()
	}
	if err := s.writer.finish(); err != nil {
		return errors.Join(s.fail(err), s.file.Close())
	}
	if err := s.file.publish(); err != nil {
		return s.fail(err)
	}
	return nil
}

// usable returns why nothing can be written now. REQUIRES: mu is held.
func (s *Sink) usable(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.closed:
		return fmt.Errorf("writing %s: the file is closed", s.path)
	default:
		return s.err
	}
}

// fail keeps the first error. REQUIRES: mu is held.
func (s *Sink) fail(err error) error {
	s.err = fmt.Errorf("writing %s: %w", s.path, explain(err))
	return s.err
}
