package aggregate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Spec says what to compute. Results over no values at all: 0 for COUNT, COUNT_DISTINCT and SUM, an empty array for
// COLLECT, TOP and BOTTOM, null for all others, as in pandas.
//
//   - SUM of floats is the exact sum, rounded once; one of integers is exact, and null if it does not fit 64 bits, as
//     neither a wrapped nor a saturated number would be true. Infinities count as IEEE 754 says.
//   - MEAN, VARIANCE and STDDEV are computed from exact sums, and rounded at the end. A mean is right where the sum
//     overflows. A variance of as many values as DDOF, or fewer, is null; one of values with an infinity is NaN.
//   - MIN and MAX take -0 as less than 0, and moments by their time, not their text; a text that is no ISO 8601 is left out.
//   - FIRST and LAST go by Stamp; among equal stamps FIRST has the least value and LAST the greatest.
//   - COLLECT is in the order of stamps; with a Limit it has the first ones only.
//   - COUNT_DISTINCT is exact up to 1024 distinct values and a HyperLogLog estimate (1 % off) beyond.
//   - QUANTILE is exact, with linear interpolation, up to 256 values, and a DDSketch estimate (0.5 % off) beyond.
type Spec struct {
	Op planv1.AggregateOp
	// Argument is the type of the column that is added, as ArgumentType returned it; Unknown for a COUNT of records.
	Argument record.Type
	// Quantile is between 0 and 1.
	Quantile float64
	// Limit is how many values TOP and BOTTOM keep, and COLLECT unless it is 0.
	Limit int
	// DDOF is what VARIANCE and STDDEV take off the count for the divisor.
	DDOF int
}

// ArgumentType returns the type as which the argument of an aggregate must be read, given the one that was declared for
// it, Unknown if none was. Decimals are read as floats where numbers are computed.
func ArgumentType(op planv1.AggregateOp, declared record.Type) (record.Type, error) {
	switch op {
	case planv1.AggregateOp_AGGREGATE_OP_COUNT, planv1.AggregateOp_AGGREGATE_OP_FIRST, planv1.AggregateOp_AGGREGATE_OP_LAST,
		planv1.AggregateOp_AGGREGATE_OP_COUNT_DISTINCT, planv1.AggregateOp_AGGREGATE_OP_COLLECT:
		if declared == record.Unknown {
			return record.JSON, nil
		}
		return declared, nil
	case planv1.AggregateOp_AGGREGATE_OP_MIN, planv1.AggregateOp_AGGREGATE_OP_MAX:
		if declared == record.String || declared == record.Timestamp {
			return declared, nil
		}
		return number(op, declared, "a number, a string or a timestamp")
	default:
		return number(op, declared, "a number")
	}
}

func number(op planv1.AggregateOp, declared record.Type, want string) (record.Type, error) {
	switch declared {
	case record.Int64:
		return record.Int64, nil
	case record.Float64, record.Decimal, record.Unknown:
		return record.Float64, nil
	default:
		return record.Unknown, fmt.Errorf("%s needs %s, and its argument is of type %s: aggregate another column, "+
			"or compute one first", name(op), want, declared)
	}
}

// Result returns the type of the results.
func (s Spec) Result() record.Type {
	switch s.Op {
	case planv1.AggregateOp_AGGREGATE_OP_COUNT, planv1.AggregateOp_AGGREGATE_OP_COUNT_DISTINCT:
		return record.Int64
	case planv1.AggregateOp_AGGREGATE_OP_SUM, planv1.AggregateOp_AGGREGATE_OP_MIN, planv1.AggregateOp_AGGREGATE_OP_MAX,
		planv1.AggregateOp_AGGREGATE_OP_FIRST, planv1.AggregateOp_AGGREGATE_OP_LAST:
		return s.Argument
	case planv1.AggregateOp_AGGREGATE_OP_COLLECT, planv1.AggregateOp_AGGREGATE_OP_TOP, planv1.AggregateOp_AGGREGATE_OP_BOTTOM:
		return record.JSON
	default:
		return record.Float64
	}
}

// validate returns every fault at once.
func (s Spec) validate() error {
	var faults []error
	if err := s.validateArgument(); err != nil {
		faults = append(faults, err)
	}
	if !(s.Quantile >= 0 && s.Quantile <= 1) {
		faults = append(faults, fmt.Errorf("quantile %v is not between 0 and 1", s.Quantile))
	}
	if ranks := s.Op == planv1.AggregateOp_AGGREGATE_OP_TOP || s.Op == planv1.AggregateOp_AGGREGATE_OP_BOTTOM; ranks && s.Limit < 1 {
		faults = append(faults, fmt.Errorf("%s of %d values: ask for at least 1", name(s.Op), s.Limit))
	}
	if s.Limit < 0 {
		faults = append(faults, fmt.Errorf("%s cannot be limited to %d values", name(s.Op), s.Limit))
	}
	if s.DDOF < 0 {
		faults = append(faults, fmt.Errorf("ddof is %d: it must not be negative", s.DDOF))
	}
	return errors.Join(faults...)
}

func (s Spec) validateArgument() error {
	if s.Argument == record.Unknown && s.Op == planv1.AggregateOp_AGGREGATE_OP_COUNT {
		return nil
	}
	want, err := ArgumentType(s.Op, s.Argument)
	if err == nil && want != s.Argument {
		return fmt.Errorf("%s of a column that was read as %s: it must be read as %s", name(s.Op), s.Argument, want)
	}
	return err
}

// name returns what users call the aggregate.
func name(op planv1.AggregateOp) string {
	return strings.ToLower(strings.TrimPrefix(op.String(), "AGGREGATE_OP_"))
}
