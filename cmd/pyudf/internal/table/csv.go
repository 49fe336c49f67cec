package table

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/engine/codec/csv"
	"github.com/pyudf/pyudf/engine/eventtime"
)

// csvReader turns the records of a CSV with a header into JSON objects.
type csvReader struct {
	records   *csv.Reader
	converter *csv.Converter
	fields    Fields
	key       int // -1: none
	time      int // -1: none
	buffer    []byte
}

func openCSV(file io.ReadSeeker, fields Fields, nulls []string) (*csvReader, error) {
	schema, err := csv.Infer(file, nulls...)
	if err != nil {
		return nil, err
	}
	key, keyErr := position(schema, fields.Key, "--key")
	time, timeErr := position(schema, fields.Time, "--time")
	if err := errors.Join(keyErr, timeErr); err != nil {
		return nil, err
	}
	if fault := schema.Fault; fault != nil {
		return nil, &LineError{Line: fault.Line, Err: fault.Err}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("going back to the start: %w", err)
	}
	r := &csvReader{records: csv.NewReader(file), converter: csv.NewConverter(schema), fields: fields, key: key, time: time}
	_, err = csv.Header(r.records)
	return r, err
}

// position returns the position of the column called name, which flag asks for; -1 if name is empty.
func position(schema *csv.Schema, name, flag string) (int, error) {
	if name == "" {
		return -1, nil
	}
	at := slices.IndexFunc(schema.Columns, func(c csv.Column) bool { return c.Name == name })
	if at >= 0 {
		return at, nil
	}
	names := make([]string, len(schema.Columns))
	for i, column := range schema.Columns {
		names[i] = column.Name
	}
	return -1, fmt.Errorf("%s %s: there is no such column, there are %s", flag, name, strings.Join(names, ", "))
}

// Next implements Reader.
func (r *csvReader) Next() (Row, error) {
	line, err := r.records.Next()
	if errors.Is(err, io.EOF) {
		return Row{}, io.EOF
	}
	if err != nil {
		return Row{}, fmt.Errorf("reading: %w", err)
	}
	row := Row{Line: r.records.Line(), Time: NoTime}
	fields, err := r.converter.Fields(line)
	if err != nil {
		return Row{}, &LineError{Line: row.Line, Err: err}
	}
	r.buffer = r.converter.AppendJSON(r.buffer[:0], fields)
	row.Value = r.buffer
	return row, r.addMeaning(&row, fields)
}

func (r *csvReader) addMeaning(row *Row, fields [][]byte) error {
	if r.key >= 0 && !r.converter.IsNull(fields[r.key]) {
		row.Key = slices.Clone(fields[r.key])
	}
	if r.time < 0 || r.converter.IsNull(fields[r.time]) {
		return nil
	}
	at, err := eventtime.Millis(fields[r.time])
	if err != nil {
		return &LineError{Line: row.Line, Err: fmt.Errorf("%s: %w", r.fields.Time, err)}
	}
	row.Time = at
	return nil
}
