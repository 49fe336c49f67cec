package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/pyudf/pyudf/engine/eventtime"
)

// lineReader reads a JSON value a line. Blank lines are passed over.
type lineReader struct {
	in     *bufio.Reader
	fields Fields
	line   int
}

func newLines(file io.Reader, fields Fields) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(file, 1<<16), fields: fields}
}

// Next implements Reader.
func (r *lineReader) Next() (Row, error) {
	for {
		text, err := r.in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return Row{}, fmt.Errorf("reading: %w", err)
		}
		if len(text) == 0 {
			return Row{}, io.EOF
		}
		r.line++
		if r.line == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		text = bytes.TrimRight(text, "\r\n")
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		return r.row(text)
	}
}

func (r *lineReader) row(text []byte) (Row, error) {
	row := Row{Line: r.line, Value: text, Time: NoTime}
	if err := check(text); err != nil {
		return Row{}, &LineError{Line: r.line, Err: err}
	}
	if r.fields == (Fields{}) {
		return row, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return Row{}, &LineError{Line: r.line, Err: errors.New("it is no JSON object, so it has no field for --key or --time")}
	}
	if err := r.addMeaning(&row, object); err != nil {
		return Row{}, &LineError{Line: r.line, Err: err}
	}
	return row, nil
}

func (r *lineReader) addMeaning(row *Row, object map[string]json.RawMessage) error {
	if r.fields.Key != "" {
		key, err := fieldText(object, r.fields.Key)
		if err != nil {
			return err
		}
		row.Key = key
	}
	if r.fields.Time == "" {
		return nil
	}
	text, err := fieldText(object, r.fields.Time)
	if err != nil || text == nil {
		return err
	}
	row.Time, err = eventtime.Millis(text)
	if err != nil {
		return fmt.Errorf("%s: %w", r.fields.Time, err)
	}
	return nil
}

// fieldText returns a string's own text, other values as they stand in the file, and nil for null.
func fieldText(object map[string]json.RawMessage, name string) ([]byte, error) {
	value, present := object[name]
	switch {
	case !present:
		return nil, fmt.Errorf("there is no field %q", name)
	case string(value) == "null":
		return nil, nil
	case value[0] != '"':
		return value, nil
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return []byte(text), nil
}

// check says why text is no JSON value.
func check(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("it is not UTF-8")
	}
	if json.Valid(text) {
		return nil
	}
	var value json.RawMessage
	err := json.Unmarshal(text, &value)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is no JSON value: at byte %d: %w", syntax.Offset, err)
	}
	return fmt.Errorf("it is no JSON value: %w", err)
}
