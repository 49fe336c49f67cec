package aggregate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func TestAWindowWithoutValuesHasWhatPandasSays(t *testing.T) {
	for _, spec := range everySpec() {
		want := map[planv1.AggregateOp]any{
			count: int64(0), countDistinct: int64(0), collect: "[]", top: "[]", bottom: "[]",
		}[spec.Op]
		if spec.Op == sum && spec.Argument == record.Float64 {
			want = 0.0
		} else if spec.Op == sum {
			want = int64(0)
		}
		if spec.Argument == record.Unknown {
			continue
		}
		if got := of(t, spec); got != want {
			t.Errorf("%s of nothing is %v, want %v", title(spec), got, want)
		}
		if got := of(t, spec, nil, nil); got != want {
			t.Errorf("%s of nulls is %v, want %v", title(spec), got, want)
		}
		if spec.Argument == record.Float64 {
			if got := of(t, spec, math.NaN()); got != want {
				t.Errorf("%s of NaN is %v, want %v", title(spec), got, want)
			}
		}
	}
}

func TestAggregatesOfFewValues(t *testing.T) {
	for _, c := range []struct {
		spec   aggregate.Spec
		values []any
		want   any
	}{
		{aggregate.Spec{Op: count, Argument: record.Float64}, []any{1.0, nil, math.NaN(), 2.0}, int64(2)},
		{aggregate.Spec{Op: count, Argument: record.Decimal}, []any{"1", nil, "NaN"}, int64(1)},
		{aggregate.Spec{Op: least, Argument: record.Float64}, []any{0.0, math.Copysign(0, -1)}, math.Copysign(0, -1)},
		{aggregate.Spec{Op: greatest, Argument: record.Float64}, []any{math.Copysign(0, -1), 0.0}, 0.0},
		{aggregate.Spec{Op: greatest, Argument: record.String}, []any{"b", "ab", "", nil}, "b"},
		{aggregate.Spec{Op: least, Argument: record.String}, []any{"b", "", nil}, ""},
		{
			aggregate.Spec{Op: least, Argument: record.Timestamp},
			[]any{"2024-01-01T00:30:00Z", "2024-01-01T01:00:00+01:00", "soon"},
			"2024-01-01T01:00:00+01:00",
		},
		{aggregate.Spec{Op: variance, Argument: record.Float64, DDOF: 1}, []any{1.0, nil}, nil},
		{aggregate.Spec{Op: variance, Argument: record.Float64}, []any{1.0, nil}, 0.0},
		{aggregate.Spec{Op: variance, Argument: record.Float64, DDOF: 1}, []any{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}, 30.0},
		{aggregate.Spec{Op: quantile, Argument: record.Int64, Quantile: 0.25}, []any{4, 1, 2, nil}, 1.5},
		{aggregate.Spec{Op: top, Argument: record.Int64, Limit: 2}, []any{4, 1, nil, 4, 5}, "[5,4]"},
		{aggregate.Spec{Op: bottom, Argument: record.Float64, Limit: 2}, []any{4.0, 0.5, nil}, "[0.5,4.0]"},
		{aggregate.Spec{Op: collect, Argument: record.String}, []any{"b", nil, `"`}, `["b","\""]`},
		{aggregate.Spec{Op: collect, Argument: record.JSON, Limit: 2}, []any{`{"a":1}`, "7", "8"}, `[{"a":1},7]`},
		{aggregate.Spec{Op: countDistinct, Argument: record.Float64}, []any{0.0, math.Copysign(0, -1), 1.5, math.NaN()}, int64(2)},
		{aggregate.Spec{Op: countDistinct, Argument: record.Bool}, []any{true, false, true, nil}, int64(2)},
		{aggregate.Spec{Op: countDistinct, Argument: record.Decimal}, []any{"1", "1.00", "10e-1", "0.1e1", "1.0000000000000000000000001"}, int64(2)},
		{aggregate.Spec{Op: countDistinct, Argument: record.Timestamp}, []any{"2024-01-01", "2024-01-01T01:00+01", "x"}, int64(2)},
	} {
		if got := of(t, c.spec, c.values...); !same(got, c.want) {
			t.Errorf("%s of %v is %v, want %v", title(c.spec), c.values, got, c.want)
		}
	}
}

func TestJSONValuesThatMeanTheSameAreOne(t *testing.T) {
	for _, alike := range [][]any{
		{"1", "1.0", "1e0", "10e-1", "0.01E+2"},
		{"0", "-0", "0.0", "0e99"},
		{"-1200", "-1.2e3", "-12e2"},
		{`"ab"`, `"\u0061b"`},
		{`"a\"b"`, `"a\u0022b"`},
		{`{"a":1,"b":[1,2]}`, `{"b" : [1.0,2], "a":1.0}`},
		{"[]", "[ ]"},
		{"true"},
		{`"1"`},
		{`["1"]`},
		{"1e99999999999999999999"},
	} {
		spec := aggregate.Spec{Op: countDistinct, Argument: record.JSON}
		if got := of(t, spec, alike...); got != int64(1) {
			t.Errorf("%v are %v values, want 1", alike, got)
		}
		if got := of(t, spec, append(alike, `"other"`, "2", "null and void")...); got != int64(4) {
			t.Errorf("%v and three others are %v values, want 4", alike, got)
		}
	}
}

func TestFirstAndLastGoByTimeThenInputThenOffset(t *testing.T) {
	stamps := []aggregate.Stamp{{5, 1, 7}, {5, 0, 9}, {5, 0, 8}, {6, 0, 1}, {5, 2, 0}, {6, 0, 3}, {6, 0, 2}}
	values := column(record.Int64, 0, 1, 2, 3, 4, 5, 6)
	for op, want := range map[planv1.AggregateOp]any{first: int64(2), last: int64(5), collect: "[2,1,0,4,3,6,5]"} {
		spec := aggregate.Spec{Op: op, Argument: record.Int64}
		c := newColumn(t, spec, 1)
		for row, stamp := range stamps {
			c.Add(0, values, row, stamp)
		}
		if got := result(spec, c, 0); got != want {
			t.Errorf("%s is %v, want %v", title(spec), got, want)
		}
	}
	if !stamps[2].Before(stamps[1]) || stamps[1].Before(stamps[2]) || stamps[1].Before(stamps[1]) {
		t.Error("a stamp comes before another one, and not before itself")
	}
}

func TestValuesOutliveTheColumnThatTheyCameFrom(t *testing.T) {
	for _, op := range []planv1.AggregateOp{first, last, least, greatest, collect} {
		spec := aggregate.Spec{Op: op, Argument: record.String}
		c := newColumn(t, spec, 1)
		values := column(record.String, "before")
		addAll(c, 0, values)
		copy(values.Text.Data, "behind")
		if got := fmt.Sprint(result(spec, c, 0)); !strings.Contains(got, "before") {
			t.Errorf("%s is %s after its batch was used again", title(spec), got)
		}
	}
}

func TestDistinctValuesAreExactTo1024AndEstimatedBeyond(t *testing.T) {
	spec := aggregate.Spec{Op: countDistinct, Argument: record.Int64}
	c := newColumn(t, spec, 1)
	for n := 1; n <= 200_000; n++ {
		addAll(c, 0, column(record.Int64, n, n/2))
		if n > 2000 && n%10_000 != 0 {
			continue
		}
		want, got := float64(n+1), size(result(spec, c, 0))
		if n == 1 {
			want = 2
		}
		if n < 1024 && got != want || !(math.Abs(got-want) <= 0.03*want) {
			t.Fatalf("%v distinct values are counted as %v", want, got)
		}
	}
}

func TestQuantilesOfManyValuesAreOffByLessThanOnePercent(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	for _, q := range []float64{0, 0.01, 0.25, 0.5, 0.9, 0.999, 1} {
		spec := aggregate.Spec{Op: quantile, Argument: record.Float64, Quantile: q}
		c := newColumn(t, spec, 1)
		const n = 20_001
		for _, i := range g.Perm(n) {
			addAll(c, 0, column(record.Float64, float64(i-n/4)))
		}
		want, got := math.Round(q*(n-1))-n/4, size(result(spec, c, 0))
		if exact := q == 0 || q == 1; exact && got != want || !(math.Abs(got-want) <= 0.01*math.Abs(want)) {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

func TestQuantilesOfManyValuesReachTheEndsOfFloat64(t *testing.T) {
	values := make([]any, 1000)
	for i := range values {
		values[i] = []float64{math.Inf(-1), -math.MaxFloat64, 5e-324, math.MaxFloat64, math.Inf(1)}[i/200]
	}
	for q, want := range map[float64]float64{0.1: math.Inf(-1), 0.3: -math.MaxFloat64, 0.5: 0, 0.7: math.MaxFloat64, 0.9: math.Inf(1)} {
		got := size(of(t, aggregate.Spec{Op: quantile, Argument: record.Float64, Quantile: q}, values...))
		if got != want && !(math.Abs(got-want) <= 0.01*math.Abs(want)) {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

func TestArgumentsAreReadAsTheOperationNeedsThem(t *testing.T) {
	for _, c := range []struct {
		op       planv1.AggregateOp
		declared record.Type
		want     record.Type
	}{
		{count, record.Unknown, record.JSON},
		{first, record.Unknown, record.JSON},
		{collect, record.Decimal, record.Decimal},
		{sum, record.Unknown, record.Float64},
		{mean, record.Int64, record.Int64},
		{top, record.Decimal, record.Float64},
		{least, record.Unknown, record.Float64},
		{greatest, record.Timestamp, record.Timestamp},
	} {
		if got, err := aggregate.ArgumentType(c.op, c.declared); err != nil || got != c.want {
			t.Errorf("%v of %v is read as %v (%v), want %v", c.op, c.declared, got, err, c.want)
		}
	}
}

func TestErrorsSayWhatToChange(t *testing.T) {
	for want, spec := range map[string]aggregate.Spec{
		"sum needs a number, and its argument is of type bool":                  {Op: sum, Argument: record.Bool},
		"max needs a number, a string or a timestamp, and its argument":         {Op: greatest, Argument: record.JSON},
		"mean of a column that was read as decimal: it must be read as float64": {Op: mean, Argument: record.Decimal},
		"quantile 1.5 is not between 0 and 1":                                   {Op: quantile, Argument: record.Float64, Quantile: 1.5},
		"quantile NaN is not between 0 and 1":                                   {Op: quantile, Argument: record.Float64, Quantile: math.NaN()},
		"top of 0 values: ask for at least 1":                                   {Op: top, Argument: record.Float64},
		"collect cannot be limited to -1 values":                                {Op: collect, Argument: record.JSON, Limit: -1},
		"ddof is -1: it must not be negative":                                   {Op: stddev, Argument: record.Float64, DDOF: -1},
		"aggregate 99 is unknown: the engine is older than":                     {Op: 99, Argument: record.Float64},
	} {
		if _, err := aggregate.New(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error of %+v is %v, want %q", spec, err, want)
		}
	}
}
