package file

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
)

// spelled is a type as messages name it.
func spelled(t record.Type) string {
	switch t {
	case record.Unknown:
		return "null"
	case record.Float64:
		return "double"
	case record.JSON:
		return "JSON text"
	default:
		return t.String()
	}
}

// fits tells whether a column of type t takes values of type v as they are.
func fits(t, v record.Type) bool { return t == record.JSON || codec.Wider(t, v) == t }

func node(t record.Type) parquet.Node {
	switch t {
	case record.Bool:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case record.Int64:
		return parquet.Optional(parquet.Int(64))
	case record.Float64:
		return parquet.Optional(parquet.Leaf(parquet.DoubleType))
	default:
		return parquet.Optional(parquet.String())
	}
}

// valueOf returns a JSON value for a column of type t. It may point into raw. REQUIRES: fits(t, codec.TypeOf(raw)).
func valueOf(t record.Type, raw []byte) parquet.Value {
	if raw[0] == 'n' {
		return parquet.NullValue()
	}
	switch t {
	case record.Bool:
		return parquet.BooleanValue(raw[0] == 't')
	case record.Int64:
		n, _ := strconv.ParseInt(string(raw), 10, 64)
		return parquet.Int64Value(n)
	case record.Float64:
		f, _ := strconv.ParseFloat(string(raw), 64)
		return parquet.DoubleValue(f)
	case record.String:
		return parquet.ByteArrayValue(unquote(raw))
	default:
		return parquet.ByteArrayValue(raw)
	}
}

// unquote returns what a JSON string says. REQUIRES: raw is one.
func unquote(raw []byte) []byte {
	inside := raw[1 : len(raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return inside
	}
	var said string
	if err := json.Unmarshal(raw, &said); err != nil {
		panic("a scanned string is no JSON: " + err.Error())
	}
	return []byte(said)
}
