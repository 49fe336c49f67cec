package aggregate

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
)

// appendCanonical spells the value of a row such that equal values, and no others, are spelled alike: 1, 1.0 and 1e0 are
// one number, a string is its characters however it was escaped, a moment is its time, and the members of an object have
// no order. The row is not null.
func appendCanonical(dst []byte, c *record.Column, row int) []byte {
	switch c.Type {
	case record.Decimal:
		return appendNumber(dst, c.Text.At(row))
	case record.JSON:
		return appendJSON(dst, c.Text.At(row))
	case record.Timestamp:
		if v, ok := parse(c.Text.At(row)); ok {
			return strconv.AppendInt(append(strconv.AppendInt(dst, v.at.Unix(), 10), '.'), int64(v.at.Nanosecond()), 10)
		}
		return append(dst, c.Text.At(row)...)
	case record.String:
		return append(dst, c.Text.At(row)...)
	case record.Float64:
		return appendFloat(dst, positiveZero(c.Floats[row]))
	default:
		return codec.AppendValue(dst, c, row)
	}
}

// positiveZero makes 0 of -0.
func positiveZero(v float64) float64 {
	if v == 0 {
		return 0
	}
	return v
}

// appendNumber spells a number by its digits without zeros around them and the power of ten behind. What is no number is
// its own text, as is one whose exponent no integer holds.
func appendNumber(dst, text []byte) []byte {
	if !codec.IsNumber(text) {
		return append(dst, text...)
	}
	mantissa, exponent, err := splitExponent(text)
	if err != nil {
		return append(dst, text...)
	}
	unsigned, negative := bytes.CutPrefix(mantissa, []byte{'-'})
	integer, fraction, _ := bytes.Cut(unsigned, []byte{'.'})
	digits := bytes.TrimLeft(append(slices.Clone(integer), fraction...), "0")
	significant := bytes.TrimRight(digits, "0")
	if len(significant) == 0 {
		return append(dst, '0')
	}
	if negative {
		dst = append(dst, '-')
	}
	exponent += int64(len(digits)-len(significant)) - int64(len(fraction))
	return strconv.AppendInt(append(append(dst, significant...), 'e'), exponent, 10)
}

func splitExponent(text []byte) (mantissa []byte, exponent int64, err error) {
	i := bytes.IndexAny(text, "eE")
	if i < 0 {
		return text, 0, nil
	}
	exponent, err = strconv.ParseInt(string(text[i+1:]), 10, 64)
	if exponent > math.MaxInt64/2 || exponent < math.MinInt64/2 {
		err = strconv.ErrRange
	}
	return text[:i], exponent, err
}

func appendJSON(dst, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
	switch first := text[0]; {
	case first == '"' && !bytes.ContainsRune(text, '\\'):
		return append(dst, text...)
	case first == '"', first == '{', first == '[':
		return appendTree(dst, text)
	case first == 't', first == 'f':
		return append(dst, text...)
	default:
		return appendNumber(dst, text)
	}
}

func appendTree(dst, text []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return append(dst, text...)
	}
	return appendNode(dst, tree)
}

func appendNode(dst []byte, node any) []byte {
	switch node := node.(type) {
	case string:
		return codec.AppendString(dst, []byte(node))
	case json.Number:
		return appendNumber(dst, []byte(node))
	case bool:
		return strconv.AppendBool(dst, node)
	case []any:
		dst = append(dst, '[')
		for _, element := range node {
			dst = append(appendNode(dst, element), ',')
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		for _, key := range slices.Sorted(maps.Keys(node)) {
			dst = append(codec.AppendString(dst, []byte(key)), ':')
			dst = append(appendNode(dst, node[key]), ',')
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}
