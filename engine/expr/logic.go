package expr

import (
	"slices"

	"github.com/pyudf/pyudf/engine/record"
)

// truth is one of the three logical values of 8 rows at once: which are true, which are false; the others are null.
type truth struct{ yes, no byte }

func and(a, b truth) truth { return truth{a.yes & b.yes, a.no | b.no} }

func or(a, b truth) truth { return truth{a.yes | b.yes, a.no & b.no} }

// truths is a column of booleans, or one value for all rows.
type truths struct {
	column record.Column
}

func (t truths) at(i int) truth {
	valid := byte(0xff)
	if t.column.Valid != nil {
		valid = t.column.Valid[i]
	}
	return truth{t.column.Bools[i] & valid, ^t.column.Bools[i] & valid}
}

// logic is `and` or `or`, which combine tells apart.
type logic struct {
	combine func(a, b truth) truth
	a, b    node
}

func (n logic) eval(r *run) vector {
	a := truths{r.expand(n.a.eval(r))}
	before := len(r.failures)
	b := truths{r.expand(n.b.eval(r))}
	n.forgive(r, before, a)
	size := record.BitmapSize(r.rows)
	both := make([]byte, 2*size)
	out, valid := both[:size:size], both[size:]
	for i := range out {
		result := n.combine(a.at(i), b.at(i))
		out[i], valid[i] = result.yes, result.yes|result.no
	}
	return vector{Column: record.Column{Type: record.Bool, Rows: r.rows, Valid: valid, Bools: out}}
}

// forgive drops the failures of the right side, from index before on, in rows that the left side decides alone: there
// Python would not have looked at the right side, and (n != 0) & (total // n > 3) is how one guards a division.
func (n logic) forgive(r *run, before int, left truths) {
	rest := slices.DeleteFunc(r.failures[before:], func(f Failure) bool {
		alone := n.combine(left.at(f.Row>>3), truth{})
		return record.Bit([]byte{alone.yes | alone.no}, f.Row&7)
	})
	r.failures = r.failures[:before+len(rest)]
}

type not struct{ of node }

func (n not) eval(r *run) vector {
	v := n.of.eval(r)
	out := make([]byte, len(v.Bools))
	for i, bits := range v.Bools {
		out[i] = ^bits
	}
	return vector{record.Column{Type: record.Bool, Rows: v.Rows, Valid: v.Valid, Bools: out}, v.constant}
}

// nullTest tells which rows are null (isNull) or are not.
type nullTest struct {
	of     node
	isNull bool
}

func (n nullTest) eval(r *run) vector {
	v := n.of.eval(r)
	out := make([]byte, record.BitmapSize(r.rows))
	for i := range out {
		valid := byte(0xff)
		if v.Valid != nil {
			valid = v.Valid[i]
		}
		if n.isNull {
			valid = ^valid
		}
		out[i] = valid
	}
	return vector{Column: record.Column{Type: record.Bool, Rows: r.rows, Bools: out}}
}
