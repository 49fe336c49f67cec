package step

import (
	"fmt"
	"slices"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
)

// frame is the rows of a batch at one place of the plan: the JSON texts that they came with, and what steps changed
// since. It is immutable; methods that change something return a new frame.
type frame struct {
	batch *record.Batch
	rows  int
	// origin is the record of the batch that each row comes from; nil: row i comes from record i.
	origin []int32
	texts  *codec.Texts
	// bare tells that the texts are all {}.
	bare bool
	// text is the row of texts that each row has; nil: row i has text i.
	text []int32
	// made are the columns that steps computed, in the order of their making.
	made []field
	// hidden are fields of the texts that were dropped or that a made column replaces.
	hidden []string
	// key is the key of each row if a step gave it one; nil: that of its record.
	key *record.Arena
	// taken marks rows that take an earlier result back: their value is null when they are written.
	taken []bool
	// only are the fields to write, in this order; nil: all.
	only []string
	// written are the rows as values gives them, if that is known.
	written *record.Arena
}

type field struct {
	name   string
	column record.Column
}

func (f *frame) originOf(row int) int {
	if f.origin == nil {
		return row
	}
	return int(f.origin[row])
}

func (f *frame) textOf(row int) int {
	if f.text == nil {
		return row
	}
	return int(f.text[row])
}

// keep returns the frame with only the given rows, which are in order.
func (f *frame) keep(rows []int32) *frame {
	if len(rows) == f.rows {
		return f
	}
	out := *f
	out.written = nil
	out.rows = len(rows)
	out.origin = compose(f.origin, rows)
	out.text = compose(f.text, rows)
	if f.key != nil {
		out.key = take(f.key, rows)
	}
	out.taken = pick(f.taken, rows)
	out.made = make([]field, len(f.made))
	for i, m := range f.made {
		out.made[i] = field{m.name, m.column.Take(rows)}
	}
	return &out
}

// untaken returns the frame without rows that take earlier results back: they have no record.
func (f *frame) untaken() *frame {
	if f.taken == nil {
		return f
	}
	return f.keep(rowsWhere(f.rows, func(row int) bool { return !f.taken[row] }))
}

// compose returns outer applied to rows; a nil outer is the identity.
func compose(outer, rows []int32) []int32 {
	if outer == nil {
		return rows
	}
	out := make([]int32, len(rows))
	for i, row := range rows {
		out[i] = outer[row]
	}
	return out
}

// with returns the frame with more columns.
func (f *frame) with(columns []field) *frame {
	out := *f
	out.written = nil
	out.made = append([]field{}, f.made...)
	for _, c := range columns {
		if i := indexOf(out.made, c.name); i >= 0 {
			out.made[i] = c
		} else {
			out.made = append(out.made, c)
		}
		if f.only != nil && !slices.Contains(out.only, c.name) {
			out.only = append(append([]string{}, out.only...), c.name)
		}
	}
	return &out
}

func (f *frame) drop(names []string) *frame {
	out := *f
	out.written = nil
	out.hidden = append(append([]string{}, f.hidden...), names...)
	out.made = nil
	for _, m := range f.made {
		if !slices.Contains(names, m.name) {
			out.made = append(out.made, m)
		}
	}
	if f.only != nil {
		out.only = []string{}
		for _, name := range f.only {
			if !slices.Contains(names, name) {
				out.only = append(out.only, name)
			}
		}
	}
	return &out
}

func (f *frame) selectOnly(names []string) *frame {
	out := *f
	out.only, out.written = names, nil
	return &out
}

// column returns a field of all rows as type t. Rows that fail have an error; their value is null.
func (f *frame) column(name string, t record.Type) (record.Column, []codec.Failure) {
	if i := indexOf(f.made, name); i >= 0 {
		return convert(&f.made[i].column, t), nil
	}
	return f.texts.Column(name, t, f.text)
}

// convert returns a computed column as another type. REQUIRES: plan.Converts(have, want).
func convert(c *record.Column, t record.Type) record.Column {
	if c.Type == t {
		return *c
	}
	b := record.NewBuilder(t, c.Rows)
	var text []byte
	for i := range c.Rows {
		switch {
		case c.IsNull(i):
			b.Null()
		case t == record.Float64 && c.Type == record.Int64:
			b.Float(float64(c.Ints[i]))
		case t == record.JSON:
			text = codec.AppendValue(text[:0], c, i)
			b.Text(text)
		default:
			panic(fmt.Sprintf("plan let %s be read as %s", c.Type, t))
		}
	}
	return b.Column()
}

func indexOf(fields []field, name string) int {
	for i := range fields {
		if fields[i].name == name {
			return i
		}
	}
	return -1
}
