package codec

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/pyudf/pyudf/engine/record"
)

// ErrMissing says that a record does not have a field.
var ErrMissing = errors.New("missing field")

// Column decodes a field of the given rows (nil: of all) as values of type t. A row without the field fails with
// ErrMissing, one whose value is of another type with an error that names both; what stands in the column for a
// failed row is null. REQUIRES: the name was scanned for and every row is an object.
func (t *Texts) Column(name string, typ record.Type, rows []int32) (record.Column, []Failure) {
	for i := range t.known {
		if t.known[i].Name == name {
			return recast(&t.known[i].Column, typ, rows, name)
		}
	}
	n := len(rows)
	if rows == nil {
		n = t.values.Len()
	}
	field, names := t.index(name), len(t.names)
	builder := record.NewBuilder(typ, n)
	decode := decoderOf(typ)
	var failures []Failure
	for i := range n {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		at := t.spans[row*names+field]
		err := ErrMissing
		if !at.missing() {
			err = decode(builder, t.values.At(row)[at.start:at.end])
		}
		if err != nil {
			failures = append(failures, Failure{i, fmt.Errorf("%w %q", err, name)})
			builder.Null()
		}
	}
	return builder.Column(), failures
}

// recast returns the given rows (nil: all) of a column, as its values' JSON would be decoded as type t.
func recast(c *record.Column, typ record.Type, rows []int32, name string) (record.Column, []Failure) {
	if c.Type == typ {
		if rows == nil {
			return *c, nil
		}
		return c.Take(rows), nil
	}
	n := len(rows)
	if rows == nil {
		n = c.Rows
	}
	builder := record.NewBuilder(typ, n)
	decode := decoderOf(typ)
	var failures []Failure
	var text []byte
	for i := range n {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		text = AppendValue(text[:0], c, row)
		if err := decode(builder, text); err != nil {
			failures = append(failures, Failure{i, fmt.Errorf("%w %q", err, name)})
			builder.Null()
		}
	}
	return builder.Column(), failures
}

// TypeOf returns the type that a JSON value has by itself; Unknown of null. A number that neither an int64 nor a float64
// holds is JSON, as are objects and lists.
func TypeOf(raw []byte) record.Type {
	switch raw[0] {
	case 'n':
		return record.Unknown
	case 't', 'f':
		return record.Bool
	case '"':
		return record.String
	case '{', '[':
		return record.JSON
	}
	if bytes.ContainsAny(raw, ".eE") {
		if _, err := strconv.ParseFloat(view(raw), 64); err == nil {
			return record.Float64
		}
	} else if _, err := strconv.ParseInt(view(raw), 10, 64); err == nil {
		return record.Int64
	}
	return record.JSON
}

// Wider returns the type of a column that holds values of two types of TypeOf.
func Wider(a, b record.Type) record.Type {
	switch {
	case a == b || b == record.Unknown:
		return a
	case a == record.Unknown:
		return b
	case min(a, b) == record.Int64 && max(a, b) == record.Float64:
		return record.Float64
	default:
		return record.JSON
	}
}

// Decode adds the value of a JSON text to a builder, null if it has another type.
func Decode(b *record.Builder, typ record.Type, text []byte) {
	if err := decoderOf(typ)(b, text); err != nil {
		b.Null()
	}
}

// decode adds the value of a JSON text, or returns an error and adds nothing.
type decode func(b *record.Builder, text []byte) error

func decoderOf(t record.Type) decode {
	switch t {
	case record.Bool:
		return decodeBool
	case record.Int64:
		return decodeInt
	case record.Float64:
		return decodeFloat
	case record.Decimal:
		return decodeDecimal
	case record.JSON:
		return decodeJSON
	default:
		return decodeString
	}
}

func decodeBool(b *record.Builder, text []byte) error {
	switch text[0] {
	case 't':
		b.Bool(true)
	case 'f':
		b.Bool(false)
	case 'n':
		b.Null()
	default:
		return wrongType(text, "a boolean")
	}
	return nil
}

func decodeInt(b *record.Builder, text []byte) error {
	if text[0] == 'n' {
		b.Null()
		return nil
	}
	v, err := strconv.ParseInt(view(text), 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s does not fit a 64-bit integer in field", text)
	}
	if err != nil {
		return wrongType(text, "an integer")
	}
	b.Int(v)
	return nil
}

func decodeFloat(b *record.Builder, text []byte) error {
	if c := text[0]; c == 'n' {
		b.Null()
		return nil
	} else if c != '-' && c-'0' >= 10 {
		return wrongType(text, "a number")
	}
	v, err := strconv.ParseFloat(view(text), 64)
	if err != nil {
		return fmt.Errorf("%s does not fit a 64-bit float in field", text)
	}
	b.Float(v)
	return nil
}

func decodeString(b *record.Builder, text []byte) error {
	switch text[0] {
	case 'n':
		b.Null()
		return nil
	case '"':
	default:
		return wrongType(text, "a string")
	}
	inside := text[1 : len(text)-1]
	if !slices.Contains(inside, '\\') {
		b.Text(inside)
		return nil
	}
	plain, err := unescape(nil, inside)
	if err != nil {
		return fmt.Errorf("%w in field", err)
	}
	b.Text(plain)
	return nil
}

// decodeDecimal takes numbers with the digits as they stand, and strings that hold a number.
func decodeDecimal(b *record.Builder, text []byte) error {
	switch c := text[0]; {
	case c == 'n':
		b.Null()
		return nil
	case c == '"' && IsNumber(text[1:len(text)-1]):
		text = text[1 : len(text)-1]
	case c != '-' && c-'0' >= 10:
		return wrongType(text, "a decimal number")
	}
	b.Text(text)
	return nil
}

func decodeJSON(b *record.Builder, text []byte) error {
	if text[0] == 'n' {
		b.Null()
		return nil
	}
	b.Text(text)
	return nil
}

// IsNumber tells whether text is a JSON number and nothing else.
func IsNumber(text []byte) bool {
	s := scanner{text: text}
	return len(text) > 0 && (text[0] == '-' || text[0]-'0' < 10) && s.number() == nil && s.pos == len(text)
}

func wrongType(text []byte, want string) error {
	const limit = 40
	shown := text
	if len(shown) > limit {
		shown = append(append([]byte{}, shown[:limit]...), "..."...)
	}
	return fmt.Errorf("wrong type: %s (%s) where %s is needed in field", kindOf(text[0]), shown, want)
}
