package file

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// kind is what a JSON value is as a value of a Parquet column.
type kind int

const (
	null kind = iota
	boolean
	integer
	double
	text
	document // any JSON, as text
)

func (k kind) String() string {
	return [...]string{"null", "bool", "int64", "double", "string", "JSON text"}[k]
}

// kindOf returns the kind of a JSON value. A number that neither an int64 nor a float64 holds is a document.
func kindOf(raw []byte) kind {
	switch raw[0] {
	case 'n':
		return null
	case 't', 'f':
		return boolean
	case '"':
		return text
	case '{', '[':
		return document
	}
	if number := string(raw); strings.ContainsAny(number, ".eE") {
		if _, err := strconv.ParseFloat(number, 64); err == nil {
			return double
		}
	} else if _, err := strconv.ParseInt(number, 10, 64); err == nil {
		return integer
	}
	return document
}

// wider returns the kind of a column that holds values of both kinds.
func wider(a, b kind) kind {
	switch {
	case a == b || b == null:
		return a
	case a == null:
		return b
	case min(a, b) == integer && max(a, b) == double:
		return double
	default:
		return document
	}
}

// fits tells whether a column of kind k takes values of kind v as they are.
func (k kind) fits(v kind) bool { return k == document || wider(k, v) == k }

func (k kind) node() parquet.Node {
	switch k {
	case boolean:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case integer:
		return parquet.Optional(parquet.Int(64))
	case double:
		return parquet.Optional(parquet.Leaf(parquet.DoubleType))
	default:
		return parquet.Optional(parquet.String())
	}
}

// value returns a JSON value for a column of kind k. It may point into raw. REQUIRES: k.fits(kindOf(raw)).
func (k kind) value(raw []byte) parquet.Value {
	if raw[0] == 'n' {
		return parquet.NullValue()
	}
	switch k {
	case boolean:
		return parquet.BooleanValue(raw[0] == 't')
	case integer:
		n, _ := strconv.ParseInt(string(raw), 10, 64)
		return parquet.Int64Value(n)
	case double:
		f, _ := strconv.ParseFloat(string(raw), 64)
		return parquet.DoubleValue(f)
	case text:
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
