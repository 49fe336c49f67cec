package step

import (
	"errors"
	"fmt"
	"math"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/window"
)

// Keyed is rows that have come to a step which needs all records of a key in their order: what follows is not the
// business of one batch alone. Package keyed goes on with them.
type Keyed struct {
	Step *plan.Step
	// Keys are as package key writes them.
	Keys record.Arena
	// Origin is the record of the batch that each row comes from; nil: row i comes from record i.
	Origin []int32
	// Values are the arguments of an aggregation, nil for a count of records; Gaps and Closes are for sessions.
	Values []*record.Column
	Gaps   []int64
	Closes []bool
	// Spans are the windows that a user's class assigned.
	Spans [][]window.Span
	// Records are the rows as JSON, for a hop.
	Records record.Arena
	// Request is the call of a function with states for the rows, without what is kept for their keys.
	Request *dispatch.Call

	// frame are the rows that came to the step of Request, sent those of them that are called for.
	frame *frame
	sent  []int32
}

// Rows returns the number of rows.
func (k *Keyed) Rows() int { return k.Keys.Len() }

// OriginOf returns the record that a row comes from.
func (k *Keyed) OriginOf(row int) int {
	if k.Origin == nil {
		return row
	}
	return int(k.Origin[row])
}

// keyBy gives the rows their new key, or sends them on their hop.
func (r *run) keyBy(step *plan.Step, in *frame) (*frame, error) {
	if step.KeyBy.Hop != nil {
		in = in.untaken()
	}
	at := &place{step, in, map[int]bool{}}
	keys := r.keys(at, &step.KeyBy.Key)
	var values []*record.Column
	if hop := step.KeyBy.Hop; hop != nil && hop.Partial != nil {
		var err error
		if values, err = r.arguments(at, hop.Partial); err != nil {
			return nil, err
		}
	}
	keep := at.others()
	out := in.keep(keep)
	taken := take(keys, keep)
	if step.KeyBy.Hop == nil {
		keyed := *out
		keyed.key = taken
		return &keyed, nil
	}
	k := Keyed{Step: step, Keys: *taken, Origin: out.origin, Records: out.values(), Values: values}
	if len(keep) < in.rows {
		k.filter(keep)
	}
	r.outcome.Keyed = append(r.outcome.Keyed, k)
	return nil, nil
}

// aggregate gathers what a windowed aggregation needs of its rows.
func (r *run) aggregate(step *plan.Step, in *frame) error {
	in = in.untaken()
	at := &place{step, in, map[int]bool{}}
	keys := r.keysOf(at, &step.Aggregate.Key)
	values, err := r.arguments(at, step.Aggregate)
	if err != nil {
		return err
	}
	gaps := r.gaps(at, step.Aggregate)
	closes := r.closes(at, step.Aggregate)
	spans, err := r.spans(at, step.Aggregate)
	if err != nil {
		return err
	}
	keep := at.others()
	k := Keyed{Step: step, Keys: *take(keys, keep), Origin: in.origin, Values: values, Gaps: gaps, Closes: closes, Spans: spans}
	if len(keep) < in.rows {
		k.Origin = compose(in.origin, keep)
		k.filter(keep)
	}
	r.outcome.Keyed = append(r.outcome.Keyed, k)
	return nil
}

// filter leaves the values of some rows.
func (k *Keyed) filter(rows []int32) {
	for i, values := range k.Values {
		if values != nil {
			taken := values.Take(rows)
			k.Values[i] = &taken
		}
	}
	k.Gaps = pick(k.Gaps, rows)
	k.Closes = pick(k.Closes, rows)
	k.Spans = pick(k.Spans, rows)
}

func pick[T any](values []T, rows []int32) []T {
	if values == nil {
		return nil
	}
	out := make([]T, len(rows))
	for i, row := range rows {
		out[i] = values[row]
	}
	return out
}

func take(a *record.Arena, rows []int32) *record.Arena {
	if len(rows) == a.Len() {
		return a
	}
	taken := a.Take(rows)
	return &taken
}

// keysOf returns the keys that the rows have here: those of the last key_by, or what the source says.
func (r *run) keysOf(at *place, k *plan.Key) *record.Arena {
	if at.in.key != nil {
		return at.in.key
	}
	return r.keys(at, k)
}

// keys returns the keys of all rows. A row without one is dead.
func (r *run) keys(at *place, k *plan.Key) *record.Arena {
	if len(k.Fields) == 0 {
		return r.ownKeys(at)
	}
	columns := make([]record.Column, len(k.Fields))
	for i, field := range k.Fields {
		columns[i] = r.keyField(at, field)
	}
	out := &record.Arena{}
	out.Grow(at.in.rows, at.in.rows*16)
	for row := range at.in.rows {
		var err error
		if !at.failed[row] {
			out.Data, err = appendKey(out.Data, columns, row)
		}
		if err != nil {
			r.bury(at, row, DeadLetter{Reason: ReasonWrongType, Message: err.Error() + " of the key"})
		}
		out.End(false)
	}
	return out
}

// ownKeys returns the keys that the records came with.
func (r *run) ownKeys(at *place) *record.Arena {
	out := &record.Arena{}
	out.Grow(at.in.rows, at.in.rows*16)
	for row := range at.in.rows {
		own := at.in.batch.Keys.At(at.in.originOf(row))
		if own == nil {
			r.bury(at, row, DeadLetter{Reason: ReasonNullKey, Message: "the record has no key; call key_by, or name the field with key= where the topic is read"})
		}
		out.Data = key.AppendRaw(out.Data, own)
		out.End(false)
	}
	return out
}

// keyField returns a field of the key. Rows in which it is null or missing are dead.
func (r *run) keyField(at *place, field expr.Field) record.Column {
	column, failures := at.in.column(field.Name, field.Type)
	for _, failure := range failures {
		reason := ReasonWrongType
		if errors.Is(failure.Err, codec.ErrMissing) {
			reason = ReasonNullKey
		}
		r.bury(at, failure.Row, DeadLetter{Reason: reason, Message: failure.Err.Error() + " of the key"})
	}
	for row := range column.Rows {
		if column.IsNull(row) || field.Type == record.JSON && string(column.Text.At(row)) == "null" {
			r.bury(at, row, DeadLetter{Reason: ReasonNullKey, Message: fmt.Sprintf("field %q of the key is null", field.Name)})
		}
	}
	return column
}

// appendKey appends the key of a row: the value of its one field, or a JSON array of several.
func appendKey(dst []byte, columns []record.Column, row int) ([]byte, error) {
	if len(columns) == 1 {
		c := &columns[0]
		if c.Type == record.String || c.Type == record.Timestamp {
			return key.AppendText(dst, c.Text.At(row)), nil
		}
		if c.Type == record.JSON {
			return key.AppendJSON(dst, c.Text.At(row))
		}
		return key.AppendJSON(dst, codec.AppendValue(nil, c, row))
	}
	return key.AppendJSON(dst, appendArray(nil, columns, row))
}

// arguments returns what each aggregate takes in. Rows that have no value of the right type are dead.
func (r *run) arguments(at *place, a *plan.Aggregate) ([]*record.Column, error) {
	out := make([]*record.Column, len(a.Columns))
	for i := range a.Columns {
		column := &a.Columns[i]
		switch {
		case column.Call != nil:
			values, err := r.rowTexts(at, column.Call)
			if err != nil {
				return nil, err
			}
			out[i] = &values
		case column.Field != "":
			values, failures := at.in.column(column.Field, column.Spec.Argument)
			for _, failure := range failures {
				if !errors.Is(failure.Err, codec.ErrMissing) {
					r.bury(at, failure.Row, DeadLetter{Reason: ReasonWrongType, Message: failure.Err.Error()})
				}
			}
			out[i] = &values
		case column.Expr != nil:
			values := convert(new(r.evaluate(at, column.Expr)), column.Spec.Argument)
			out[i] = &values
		}
	}
	return out, nil
}

// gaps returns the rows' own gaps in ms.
func (r *run) gaps(at *place, a *plan.Aggregate) []int64 {
	if a.GapBy == "" {
		return nil
	}
	values, failures := at.in.column(a.GapBy, record.Float64)
	for _, failure := range failures {
		r.bury(at, failure.Row, DeadLetter{Reason: ReasonWrongType, Message: failure.Err.Error() + " of gap_by"})
	}
	gaps := make([]int64, at.in.rows)
	for row := range gaps {
		gap := math.Floor(values.Floats[row])
		if values.IsNull(row) || !(gap >= 0 && gap < 1<<53) {
			r.bury(at, row, DeadLetter{Reason: ReasonWrongType, Message: fmt.Sprintf("field %q of gap_by is no number of ms from 0 on", a.GapBy)})
			continue
		}
		gaps[row] = int64(gap)
	}
	return gaps
}

func (r *run) closes(at *place, a *plan.Aggregate) []bool {
	if a.CloseOn == nil {
		return nil
	}
	condition := r.evaluate(at, a.CloseOn)
	closes := make([]bool, at.in.rows)
	for row := range closes {
		closes[row] = !condition.IsNull(row) && record.Bit(condition.Bools, row)
	}
	return closes
}

// Slice returns the rows of from (inclusive) to to (exclusive).
func (k *Keyed) Slice(from, to int) Keyed {
	if from == 0 && to == k.Rows() {
		return *k
	}
	out := Keyed{Step: k.Step, Keys: k.Keys.Slice(from, to), Values: make([]*record.Column, len(k.Values))}
	for row := from; row < to; row++ {
		out.Origin = append(out.Origin, int32(k.OriginOf(row))) //nolint:gosec // a batch has fewer rows
	}
	for i, values := range k.Values {
		if values != nil {
			slice := values.Slice(from, to)
			out.Values[i] = &slice
		}
	}
	if k.Gaps != nil {
		out.Gaps = k.Gaps[from:to]
	}
	if k.Closes != nil {
		out.Closes = k.Closes[from:to]
	}
	if k.Spans != nil {
		out.Spans = k.Spans[from:to]
	}
	if k.Records.Len() > 0 {
		out.Records = k.Records.Slice(from, to)
	}
	return out
}
