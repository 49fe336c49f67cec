package aggregate

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Stamp orders values: by event time, then by the number of the input partition, then by offset.
type Stamp struct {
	Time   int64
	Input  int32
	Offset int64
}

// Before tells whether s comes before o.
func (s Stamp) Before(o Stamp) bool { return s.compare(o) < 0 }

func (s Stamp) compare(o Stamp) int {
	if s.Time != o.Time {
		return cmp.Compare(s.Time, o.Time)
	}
	return cmp.Or(cmp.Compare(s.Input, o.Input), cmp.Compare(s.Offset, o.Offset))
}

// Column holds one accumulator a cell. Cells are small numbers that the caller hands out and uses again after Clear.
// REQUIRES: every cell that is named is below the number of the last Grow. A column has one goroutine at a time.
type Column interface {
	// Grow makes room for the cells below a number. New ones are empty.
	Grow(cells int)
	// Add takes in the value of a row; null and NaN are left out. values has the type of Spec.Argument, and is nil for a
	// COUNT of records.
	Add(cell int32, values *record.Column, row int, at Stamp)
	// Merge takes in all that another cell has seen, which stays as it is. REQUIRES: into != from.
	Merge(into, from int32)
	// Clear makes the cell empty and frees what it held.
	Clear(cell int32)
	// Result adds the cell's value to a builder of type Spec.Result.
	Result(cell int32, out *record.Builder)
	// Append appends an encoding of the accumulator, which knows its own length. Equal values seen, in whatever order,
	// give equal bytes.
	Append(dst []byte, cell int32) []byte
	// Load replaces the cell by the accumulator at the front of data and returns what follows. After an error, which
	// any bytes but those of Append may give, the cell is empty.
	Load(cell int32, data []byte) (rest []byte, err error)
}

// New returns an empty column, or an error that says what is wrong with the spec.
func New(spec Spec) (Column, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	ints := spec.Argument == record.Int64
	switch spec.Op {
	case planv1.AggregateOp_AGGREGATE_OP_COUNT:
		return &count{}, nil
	case planv1.AggregateOp_AGGREGATE_OP_SUM, planv1.AggregateOp_AGGREGATE_OP_MEAN:
		return newTotal(spec.Op, ints), nil
	case planv1.AggregateOp_AGGREGATE_OP_MIN:
		return newExtreme(spec.Argument, -1), nil
	case planv1.AggregateOp_AGGREGATE_OP_MAX:
		return newExtreme(spec.Argument, 1), nil
	case planv1.AggregateOp_AGGREGATE_OP_FIRST:
		return newEdge(spec.Argument, -1), nil
	case planv1.AggregateOp_AGGREGATE_OP_LAST:
		return newEdge(spec.Argument, 1), nil
	case planv1.AggregateOp_AGGREGATE_OP_VARIANCE, planv1.AggregateOp_AGGREGATE_OP_STDDEV:
		return &variance{ddof: int64(spec.DDOF), root: spec.Op == planv1.AggregateOp_AGGREGATE_OP_STDDEV}, nil
	case planv1.AggregateOp_AGGREGATE_OP_COUNT_DISTINCT:
		return &distinct{}, nil
	case planv1.AggregateOp_AGGREGATE_OP_QUANTILE:
		return newQuantile(spec.Quantile)
	case planv1.AggregateOp_AGGREGATE_OP_COLLECT:
		return newCollect(spec.Limit), nil
	case planv1.AggregateOp_AGGREGATE_OP_TOP:
		return newTop(ints, 1, spec.Limit), nil
	case planv1.AggregateOp_AGGREGATE_OP_BOTTOM:
		return newTop(ints, -1, spec.Limit), nil
	default:
		return nil, fmt.Errorf("aggregate %v is unknown: the engine is older than the package that wrote the plan", spec.Op)
	}
}

var errCorrupt = errors.New("the stored accumulator is damaged or of another aggregate")

// grow returns s with at least n elements.
func grow[T any](s []T, n int) []T {
	if n <= len(s) {
		return s
	}
	return append(s, make([]T, n-len(s))...)
}
