package csv

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
)

// Schema is the columns of a CSV text, in their order.
type Schema struct {
	Columns []Column
	// Nulls are the texts that are null; nil: NA and the empty text.
	Nulls []string
	// Fault is the first record that Infer left out; nil if there was none.
	Fault *Fault
}

// Fault says why a record is none of its schema, and on which line it starts.
type Fault struct {
	Line int
	Err  error
}

// Column is a column and how its fields are read. Int64, Float64 and Decimal keep the digits that stand in the text.
type Column struct {
	Name string
	Type record.Type
}

// Header reads the first record of a text as the columns' names, of unknown type. A column without a name is called
// as pandas calls it, "Unnamed: 0" with its position.
func Header(r *Reader) (*Schema, error) {
	line, err := r.Next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty; the first line of a CSV file names its columns")
	}
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(line) {
		return nil, errors.New("its first line is not UTF-8; save the file as UTF-8")
	}
	var names fields
	if err := names.split(line); err != nil {
		return nil, fmt.Errorf("its first line, which names the columns: %w", err)
	}
	schema, seen := &Schema{}, map[string]bool{}
	for i, field := range names.values {
		name := string(field)
		if name == "" {
			name = fmt.Sprintf("Unnamed: %d", i)
		}
		if seen[name] {
			return nil, fmt.Errorf("two of its columns are called %q; give each a name of its own", name)
		}
		seen[name] = true
		schema.Columns = append(schema.Columns, Column{Name: name})
	}
	return schema, nil
}

// Infer reads a whole text with a header and returns what its columns hold: numbers (Float64) if every field that is
// not null is a number as JSON writes it, booleans if every one is true or false, else strings. Records with another
// number of fields than the header do not count, nor do those that are not CSV in UTF-8. nulls are the texts that are null; none:
// NA and the empty text.
func Infer(r io.Reader, nulls ...string) (*Schema, error) {
	reader := NewReader(r)
	schema, err := Header(reader)
	if err != nil {
		return nil, err
	}
	schema.Nulls = nulls
	converter, found := NewConverter(schema), make([]seen, len(schema.Columns))
	for {
		line, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		row, err := converter.Fields(line)
		if err != nil && schema.Fault == nil {
			schema.Fault = &Fault{reader.Line(), err}
		}
		for i, field := range row {
			if !converter.IsNull(field) {
				found[i].add(field)
			}
		}
	}
	for i := range schema.Columns {
		schema.Columns[i].Type = found[i].typ()
	}
	return schema, nil
}

// seen is what the fields of a column that are not null were so far.
type seen struct{ numbers, bools, others bool }

func (s *seen) add(field []byte) {
	switch {
	case s.others:
	case codec.IsNumber(field):
		s.numbers = true
	case boolOf(field) != nil:
		s.bools = true
	default:
		s.others = true
	}
}

func (s *seen) typ() record.Type {
	switch {
	case s.others || s.numbers && s.bools:
		return record.String
	case s.numbers:
		return record.Float64
	case s.bools:
		return record.Bool
	default:
		return record.String
	}
}
