package expr

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"

	"github.com/pyudf/pyudf/engine/record"
)

// decimal is a number as its digits: sign * 0.d1d2d3... * 10^exponent, where d1 is not 0. Its value is exact, however
// large the exponent is; nothing is ever written out. It points into the text that it was read from.
type decimal struct {
	sign int
	nan  bool
	// whole and fraction hold the digits, without zeros in front or at the end of both together.
	whole, fraction []byte
	exponent        int64
}

// infinite is the exponent of an infinity. Exponents that are written are cut off far below.
const (
	infinite     = 1 << 60
	exponentSize = 1 << 50
)

// parseDecimal reads a number as JSON and Python's Decimal write it.
func parseDecimal(text []byte) (decimal, error) {
	d := decimal{sign: 1}
	rest := text
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		if rest[0] == '-' {
			d.sign = -1
		}
		rest = rest[1:]
	}
	switch string(rest) {
	case "NaN":
		return decimal{nan: true}, nil
	case "Infinity":
		d.exponent = infinite
		return d, nil
	}
	d.whole, rest = digits(rest)
	if len(rest) > 0 && rest[0] == '.' {
		d.fraction, rest = digits(rest[1:])
	}
	exponent, ok := exponentOf(rest)
	if !ok || len(d.whole)+len(d.fraction) == 0 {
		return decimal{}, fmt.Errorf("%.40q is not a decimal number", text)
	}
	return d.normalised(exponent), nil
}

func digits(text []byte) (digits, rest []byte) {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return text[:n], text[n:]
}

// exponentOf reads the exponent at the end of a number, which may be missing.
func exponentOf(text []byte) (exponent int64, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != 'e' && text[0] != 'E' {
		return 0, false
	}
	sign, rest := int64(1), text[1:]
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		if rest[0] == '-' {
			sign = -1
		}
		rest = rest[1:]
	}
	for _, digit := range rest {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		exponent = min(exponent*10+int64(digit-'0'), exponentSize)
	}
	return sign * exponent, len(rest) > 0
}

func (d decimal) normalised(exponent int64) decimal {
	d.whole = bytes.TrimLeft(d.whole, "0")
	d.exponent = exponent + int64(len(d.whole))
	if len(d.whole) == 0 {
		length := len(d.fraction)
		d.fraction = bytes.TrimLeft(d.fraction, "0")
		d.exponent -= int64(length - len(d.fraction))
	}
	d.fraction = bytes.TrimRight(d.fraction, "0")
	if len(d.fraction) == 0 {
		d.whole = bytes.TrimRight(d.whole, "0")
	}
	if len(d.whole)+len(d.fraction) == 0 {
		return decimal{}
	}
	return d
}

func (d *decimal) digit(i int) byte {
	if i < len(d.whole) {
		return d.whole[i]
	}
	return d.fraction[i-len(d.whole)]
}

// orderSizes compares two numbers without their signs. REQUIRES: neither is zero or NaN.
func orderSizes(a, b decimal) int {
	if a.exponent != b.exponent {
		return cmp.Compare(a.exponent, b.exponent)
	}
	an, bn := len(a.whole)+len(a.fraction), len(b.whole)+len(b.fraction)
	for i := range min(an, bn) {
		if order := cmp.Compare(a.digit(i), b.digit(i)); order != 0 {
			return order
		}
	}
	return cmp.Compare(an, bn)
}

// toDecimal turns numbers into decimals.
type toDecimal struct{ of node }

func (n toDecimal) eval(r *run) vector {
	v := n.of.eval(r)
	if v.Type == record.Decimal {
		return v
	}
	column := record.Column{Type: record.Decimal, Rows: v.Rows, Valid: v.Valid}
	column.Text.Offsets = make([]int32, 1, v.Rows+1)
	for i := range v.Rows {
		if v.Type == record.Int64 {
			column.Text.Data = strconv.AppendInt(column.Text.Data, v.Ints[i], 10)
		} else {
			column.Text.Data = appendFloatDigits(column.Text.Data, v.Floats[i])
		}
		column.Text.Offsets = append(column.Text.Offsets, int32(len(column.Text.Data)))
	}
	return vector{column, v.constant}
}
