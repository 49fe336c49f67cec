package csv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
)

// Converter turns records of one schema into JSON objects. One goroutine may use it at a time.
type Converter struct {
	columns []column
	row     fields
}

type column struct {
	// label is the name as JSON, with the colon and what stands before it.
	label []byte
	typ   record.Type
}

// NewConverter returns a converter of records with the schema's columns.
func NewConverter(schema *Schema) *Converter {
	c := &Converter{}
	for i, col := range schema.Columns {
		label := []byte{','}
		if i == 0 {
			label = []byte{'{'}
		}
		c.columns = append(c.columns, column{append(codec.AppendString(label, []byte(col.Name)), ':'), col.Type})
	}
	return c
}

// Line appends a record, which may have a line end, as a JSON object. If it is no record of the schema, dst is
// returned as it was, and an error that says why.
func (c *Converter) Line(dst, line []byte) ([]byte, error) {
	if !utf8.Valid(line) {
		return dst, errors.New("the line is not UTF-8")
	}
	line = trimReturn(bytes.TrimSuffix(line, []byte("\n")))
	if err := c.row.split(line); err != nil {
		return dst, err
	}
	return c.AppendJSON(dst, c.row.values)
}

// AppendJSON appends the fields of a record as a JSON object. A field that does not fit its column's type becomes a
// string, so that whoever decodes it as that type can say what is wrong with it.
func (c *Converter) AppendJSON(dst []byte, fields [][]byte) ([]byte, error) {
	if len(fields) != len(c.columns) {
		return dst, fmt.Errorf("the line has %d fields where there are %d columns", len(fields), len(c.columns))
	}
	for i, field := range fields {
		dst = appendField(append(dst, c.columns[i].label...), field, c.columns[i].typ)
	}
	return append(dst, '}'), nil
}

func appendField(dst, field []byte, typ record.Type) []byte {
	if isNull(field) {
		return append(dst, "null"...)
	}
	switch typ {
	case record.Bool:
		if value := boolOf(field); value != nil {
			return append(dst, value...)
		}
	case record.Int64, record.Float64, record.Decimal:
		if codec.IsNumber(field) {
			return append(dst, field...)
		}
		if number := plainNumber(field); number != nil {
			return append(dst, number...)
		}
	case record.JSON:
		if json.Valid(field) {
			return append(dst, field...)
		}
	case record.Unknown, record.String, record.Timestamp:
	}
	return codec.AppendString(dst, field)
}

func isNull(field []byte) bool {
	return len(field) == 0 || len(field) == 2 && field[0] == 'N' && field[1] == 'A'
}

// boolOf returns the JSON of a boolean as JSON, Python or a spreadsheet writes it, nil if field is none.
func boolOf(field []byte) []byte {
	switch string(field) {
	case "true", "True", "TRUE":
		return []byte("true")
	case "false", "False", "FALSE":
		return []byte("false")
	default:
		return nil
	}
}

// plainNumber returns the JSON of a number that is not written as JSON writes it: with spaces around, a plus, zeros in
// front, or nothing before or after the point; and null for NaN. It returns nil if field is none of these.
func plainNumber(field []byte) []byte {
	field = bytes.TrimSpace(field)
	if string(field) == "NaN" || string(field) == "nan" {
		return []byte("null")
	}
	var number []byte
	if len(field) > 0 && (field[0] == '+' || field[0] == '-') {
		number, field = bytes.TrimPrefix(field[:1], []byte("+")), field[1:]
	}
	whole := bytes.IndexFunc(field, func(r rune) bool { return r < '0' || r > '9' })
	if whole < 0 {
		whole = len(field)
	}
	digits, rest := bytes.TrimLeft(field[:whole], "0"), field[whole:]
	if len(digits) == 0 && whole+len(rest) > 0 {
		digits = []byte("0")
	}
	if whole > 0 && (string(rest) == "." || bytes.HasPrefix(rest, []byte(".e")) || bytes.HasPrefix(rest, []byte(".E"))) {
		rest = rest[1:]
	}
	number = append(append(append([]byte(nil), number...), digits...), rest...)
	if !codec.IsNumber(number) {
		return nil
	}
	return number
}
