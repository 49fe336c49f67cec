package csv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
)

// Converter turns records of one schema into JSON objects. One goroutine may use it at a time.
type Converter struct {
	columns []column
	nulls   []string
	row     fields
}

type column struct {
	// label is the name as JSON, with the colon and what stands before it.
	label []byte
	typ   record.Type
}

// NewConverter returns a converter of records with the schema's columns.
func NewConverter(schema *Schema) *Converter {
	c := &Converter{nulls: schema.Nulls}
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
	fields, err := c.Fields(line)
	if err != nil {
		return dst, err
	}
	return c.AppendJSON(dst, fields), nil
}

// Fields returns the fields of a record, which may have a line end, or why it is no record of the schema. They are
// valid until the next call, and as long as the line is.
func (c *Converter) Fields(line []byte) ([][]byte, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("the line is not UTF-8")
	}
	if err := c.row.split(trimReturn(bytes.TrimSuffix(line, []byte("\n")))); err != nil {
		return nil, err
	}
	if fields := len(c.row.values); fields != len(c.columns) {
		return nil, fmt.Errorf("the line has %d fields where there are %d columns", fields, len(c.columns))
	}
	return c.row.values, nil
}

// AppendJSON appends the fields of a record as a JSON object. A field that does not fit its column's type becomes a
// string, so that whoever decodes it as that type can say what is wrong with it. REQUIRES: there is one a column.
func (c *Converter) AppendJSON(dst []byte, fields [][]byte) []byte {
	for i, field := range fields {
		dst = append(dst, c.columns[i].label...)
		if c.IsNull(field) {
			dst = append(dst, "null"...)
			continue
		}
		dst = appendField(dst, field, c.columns[i].typ)
	}
	return append(dst, '}')
}

// IsNull tells whether a field is null.
func (c *Converter) IsNull(field []byte) bool { return isNull(field, c.nulls) }

func appendField(dst, field []byte, typ record.Type) []byte {
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

// isNull tells whether field is one of nulls, or without any, NA or empty.
func isNull(field []byte, nulls []string) bool {
	if nulls == nil {
		return len(field) == 0 || string(field) == "NA"
	}
	return slices.Contains(nulls, string(field))
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
