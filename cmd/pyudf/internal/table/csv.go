package table

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/engine/eventtime"
)

// csvReader turns the lines of a CSV with a header into JSON objects.
type csvReader struct {
	rows    *csv.Reader
	columns []column
	nulls   map[string]bool
	key     int // -1: none
	time    int // -1: none
	buffer  []byte
}

// column is what the first reading of the file found out.
type column struct {
	name string
	// label is the name as a JSON text, with the colon.
	label   []byte
	numeric bool
}

func openCSV(file io.ReadSeeker, fields Fields, nulls []string) (*csvReader, error) {
	r := &csvReader{nulls: map[string]bool{}}
	for _, null := range nulls {
		r.nulls[null] = true
	}
	if err := r.readHeader(file); err != nil {
		return nil, err
	}
	var faults []error
	r.key = r.position(fields.Key, "--key", &faults)
	r.time = r.position(fields.Time, "--time", &faults)
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if err := r.typeColumns(); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("going back to the start: %w", err)
	}
	return r, r.readHeader(file)
}

// readHeader starts reading file from where it stands. The columns are kept if they are known already.
func (r *csvReader) readHeader(file io.Reader) error {
	buffered := bufio.NewReaderSize(file, 1<<16)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		if _, err := buffered.Discard(3); err != nil {
			return err
		}
	}
	r.rows = csv.NewReader(buffered)
	r.rows.ReuseRecord = true
	header, err := r.rows.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty: the first line of a CSV names its columns")
	}
	if err != nil {
		return lineError(err)
	}
	if r.columns != nil {
		return nil
	}
	return r.nameColumns(header)
}

func (r *csvReader) nameColumns(header []string) error {
	seen := map[string]bool{}
	for i, name := range header {
		name = strings.TrimSpace(name)
		if name == "" {
			return &LineError{Line: 1, Err: fmt.Errorf("column %d has no name", i+1)}
		}
		if seen[name] {
			return &LineError{Line: 1, Err: fmt.Errorf("two columns are called %q", name)}
		}
		seen[name] = true
		r.columns = append(r.columns, column{name: name, label: append(appendText(nil, name), ':'), numeric: true})
	}
	return nil
}

func (r *csvReader) position(name, flag string, faults *[]error) int {
	if name == "" {
		return -1
	}
	at := slices.IndexFunc(r.columns, func(c column) bool { return c.name == name })
	if at < 0 {
		names := make([]string, len(r.columns))
		for i, column := range r.columns {
			names[i] = column.name
		}
		*faults = append(*faults, fmt.Errorf("%s %s: there is no such column, there are %s", flag, name, strings.Join(names, ", ")))
	}
	return at
}

// typeColumns reads all rows. A column of nothing but nulls counts as numeric, which changes nothing.
func (r *csvReader) typeColumns() error {
	for {
		fields, err := r.rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return lineError(err)
		}
		for i, field := range fields {
			if r.columns[i].numeric && !r.nulls[field] && !isNumber(field) {
				r.columns[i].numeric = false
			}
		}
	}
}

// Next implements Reader.
func (r *csvReader) Next() (Row, error) {
	fields, err := r.rows.Read()
	if errors.Is(err, io.EOF) {
		return Row{}, io.EOF
	}
	if err != nil {
		return Row{}, lineError(err)
	}
	line, _ := r.rows.FieldPos(0)
	row := Row{Line: line, Time: NoTime}
	r.buffer = append(r.buffer[:0], '{')
	for i, field := range fields {
		if i > 0 {
			r.buffer = append(r.buffer, ',')
		}
		r.buffer = r.appendField(append(r.buffer, r.columns[i].label...), i, field)
	}
	r.buffer = append(r.buffer, '}')
	row.Value = r.buffer
	return row, r.addMeaning(&row, fields)
}

func (r *csvReader) appendField(out []byte, i int, field string) []byte {
	switch {
	case r.nulls[field]:
		return append(out, "null"...)
	case r.columns[i].numeric:
		return append(out, field...)
	default:
		return appendText(out, field)
	}
}

func (r *csvReader) addMeaning(row *Row, fields []string) error {
	if r.key >= 0 && !r.nulls[fields[r.key]] {
		row.Key = []byte(fields[r.key])
	}
	if r.time < 0 || r.nulls[fields[r.time]] {
		return nil
	}
	at, err := eventtime.Millis([]byte(fields[r.time]))
	if err != nil {
		return &LineError{Line: row.Line, Err: fmt.Errorf("%s: %w", r.columns[r.time].name, err)}
	}
	row.Time = at
	return nil
}

func lineError(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("reading: %w", err)
	}
	reason := parse.Err
	if errors.Is(reason, csv.ErrFieldCount) {
		reason = errors.New("it has another number of fields than the header")
	}
	return &LineError{Line: parse.Line, Err: reason}
}

// appendText appends text as JSON. What is not UTF-8 becomes the replacement character.
func appendText(out []byte, text string) []byte {
	if isPlain(text) {
		out = append(out, '"')
		out = append(out, text...)
		return append(out, '"')
	}
	var quoted strings.Builder
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic("a string has no JSON form: " + err.Error())
	}
	return append(out, strings.TrimSuffix(quoted.String(), "\n")...)
}

// isPlain tells whether text stands in JSON as it is.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}
