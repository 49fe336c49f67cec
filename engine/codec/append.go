package codec

import (
	"strconv"

	"github.com/pyudf/pyudf/engine/record"
)

// AppendValue appends the value of row i of a column as JSON.
func AppendValue(dst []byte, c *record.Column, i int) []byte {
	if c.IsNull(i) {
		return append(dst, "null"...)
	}
	switch c.Type {
	case record.Bool:
		return strconv.AppendBool(dst, record.Bit(c.Bools, i))
	case record.Int64:
		return strconv.AppendInt(dst, c.Ints[i], 10)
	case record.Float64:
		return AppendFloat(dst, c.Floats[i])
	case record.Decimal:
		return appendDecimal(dst, c.Text.At(i))
	case record.JSON:
		return append(dst, c.Text.At(i)...)
	default:
		return AppendString(dst, c.Text.At(i))
	}
}

// appendDecimal writes the digits as they are; what JSON has no number for (NaN, Infinity) becomes null, and what
// Python writes in another way (1E+3 is fine, .5 is not) a string.
func appendDecimal(dst, text []byte) []byte {
	switch {
	case IsNumber(text):
		return append(dst, text...)
	case view(text) == "NaN" || view(text) == "Infinity" || view(text) == "-Infinity":
		return append(dst, "null"...)
	default:
		return AppendString(dst, text)
	}
}
