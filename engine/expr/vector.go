package expr

import (
	"github.com/pyudf/pyudf/engine/record"
)

// node is one operation of a compiled expression.
type node interface {
	// eval returns the value of each row. Rows that it fails are null in it and stand in r.failures.
	eval(r *run) vector
}

// run is one evaluation of a program.
type run struct {
	columns  map[string]*record.Column
	rows     int
	failures []Failure
}

// vector is a column of the run's rows, or of one value that all rows have. A constant is never null.
type vector struct {
	record.Column
	constant bool
}

// expand returns a vector as a column with a value a row.
func (r *run) expand(v vector) record.Column {
	if !v.constant {
		return v.Column
	}
	builder := record.NewBuilder(v.Type, r.rows)
	for range r.rows {
		builder.CopyOf(&v.Column, 0)
	}
	return builder.Column()
}

// operand gives a kernel the values of a vector: the same one for all rows if it is a constant.
type operand[T any] struct {
	values []T
	mask   int
}

func operandOf[T any](values []T, constant bool) operand[T] {
	if constant {
		return operand[T]{values, 0}
	}
	return operand[T]{values, -1}
}

func (o operand[T]) at(i int) T { return o.values[i&o.mask] }

func ints(v vector) operand[int64] { return operandOf(v.Ints, v.constant) }

func floats(v vector) operand[float64] { return operandOf(v.Floats, v.constant) }

// validity is the null bitmap of a result in the making. It starts as an operand's, which is shared until a row fails.
type validity struct {
	bits  []byte
	owned bool
}

// validityOf returns the rows that are null in none of the vectors. Bitmaps may be longer than the rows need.
func (r *run) validityOf(vectors ...vector) validity {
	var v validity
	for _, vector := range vectors {
		switch {
		case vector.Valid == nil:
		case v.bits == nil:
			v.bits = vector.Valid[:record.BitmapSize(r.rows)]
		default:
			v.own(r.rows)
			for i := range v.bits {
				v.bits[i] &= vector.Valid[i]
			}
		}
	}
	return v
}

func (v *validity) null(row int) bool { return v.bits != nil && !record.Bit(v.bits, row) }

// fail makes a row null and reports why.
func (v *validity) fail(r *run, row int, err error) {
	v.own(r.rows)
	record.ClearBit(v.bits, row)
	r.failures = append(r.failures, Failure{row, err})
}

// own makes the bitmap the result's own; if there is none it gets rows bits.
func (v *validity) own(rows int) {
	if v.owned {
		return
	}
	if v.bits == nil {
		v.bits = record.Bitmap(rows)
	} else {
		v.bits = append([]byte(nil), v.bits...)
	}
	v.owned = true
}

// field reads a column.
type field string

func (f field) eval(r *run) vector { return vector{Column: *r.columns[string(f)]} }

// constant is a literal.
type constant struct{ column record.Column }

func (c constant) eval(*run) vector { return vector{c.column, true} }

func constantOf(typ record.Type, fill func(*record.Builder)) constant {
	builder := record.NewBuilder(typ, 1)
	fill(builder)
	return constant{builder.Column()}
}

// nulls is an operation whose result is null for every row, as one of its sides is the null literal.
type nulls struct{ typ record.Type }

func (n nulls) eval(r *run) vector {
	column := record.Column{Type: n.typ, Rows: r.rows, Valid: make([]byte, record.BitmapSize(r.rows))}
	switch n.typ {
	case record.Bool:
		column.Bools = make([]byte, record.BitmapSize(r.rows))
	case record.Int64:
		column.Ints = make([]int64, r.rows)
	case record.Float64:
		column.Floats = make([]float64, r.rows)
	default:
		column.Text.Offsets = make([]int32, r.rows+1)
	}
	return vector{Column: column}
}
