package aggregate_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// sample is a column as testdata/reference.py reads it.
type sample struct {
	Type     string  `json:"type"`
	Values   []any   `json:"values"`
	Quantile float64 `json:"quantile"`
	typ      record.Type
}

// pandas itself rounds at each addition. So it must agree to 1e-12 of the sizes that it added; that the digits are right
// where they cancel is for TestSumsMeansAndVariancesAreThoseOfFractionsRoundedOnce. Where pandas overflows or
// underflows, it has no say.
func TestPandasAgrees(t *testing.T) {
	samples := randomSamples()
	answers := askPandas(t, samples)
	for i, s := range samples {
		for op := count; op <= quantile; op++ {
			name := strings.ToLower(strings.TrimPrefix(op.String(), "AGGREGATE_OP_"))
			want, computed := answers[i][name]
			if !computed {
				continue
			}
			spec := aggregate.Spec{Op: op, Argument: s.typ, Quantile: s.Quantile, DDOF: 1}
			if got := of(t, spec, s.Values...); !agrees(got, want, tolerance(op, s)) {
				t.Errorf("%s of %v is %v, in pandas %s", title(spec), s.Values, got, shown(want))
			}
		}
	}
}

func shown(text *string) string {
	if text == nil {
		return "missing"
	}
	return *text
}

func agrees(got any, want *string, tolerance float64) bool {
	if want == nil {
		return got == nil || math.IsInf(tolerance, 1)
	}
	if text, ok := got.(string); ok {
		return text == *want
	}
	number, err := strconv.ParseFloat(*want, 64)
	if err != nil {
		return false
	}
	switch got := got.(type) {
	case int64:
		return float64(got) == number
	case float64:
		return got == number || math.IsInf(number, 0) || math.Abs(got-number) <= tolerance
	default:
		return false
	}
}

// tolerance returns 1e-12 of the sizes that make up a result.
func tolerance(op planv1.AggregateOp, s sample) float64 {
	n, sizes, squares := 0.0, 0.0, 0.0
	for _, v := range s.Values {
		if x := size(v); !math.IsNaN(x) {
			n++
			sizes += math.Abs(x)
			squares += x * x
		}
	}
	terms := map[planv1.AggregateOp]float64{
		sum: sizes, mean: sizes / n, variance: squares / (n - 1), stddev: math.Sqrt(squares / (n - 1)), quantile: sizes,
	}[op]
	if op == stddev {
		const underflow = 1e-150 // below it pandas has a variance of 0
		return max(1e-12*terms, underflow)
	}
	return 1e-12 * terms
}

func randomSamples() []sample {
	var samples []sample
	for seed := range uint64(400) {
		g := rand.New(rand.NewPCG(seed, 6))
		s := sample{Quantile: g.Float64(), Values: make([]any, g.IntN(60)), typ: pick(g, record.Float64, record.Float64, record.Int64, record.String)}
		s.Type = s.typ.String()
		scale := pick(g, 1, 1e-300, 1e300, 1e9)
		for i := range s.Values {
			s.Values[i] = plainValue(g, s.typ, scale)
		}
		samples = append(samples, s)
	}
	return samples
}

// plainValue returns a value that JSON can carry; a third of the floats are of any size.
func plainValue(g *rand.Rand, typ record.Type, scale float64) any {
	switch v := valueOf(g, typ).(type) {
	case float64:
		if math.IsNaN(v) {
			return nil
		}
		if scale != 1 {
			return g.NormFloat64() * scale
		}
		return v
	case int64:
		return v % 1_000_000
	default:
		return v
	}
}

// askPandas skips the test where there is no pandas; in CI it fails.
func askPandas(t *testing.T, samples []sample) []map[string]*string {
	t.Helper()
	interpreter := os.Getenv("PYUDF_PYTHON")
	if interpreter == "" {
		interpreter = filepath.Join("..", "..", ".venv", "bin", "python")
	}
	if err := exec.CommandContext(t.Context(), interpreter, "-c", "import pandas").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s has no pandas: %v", interpreter, err)
		}
		t.Skipf("%s has no pandas (%v): make .venv, or set PYUDF_PYTHON", interpreter, err)
	}
	question, err := json.Marshal(samples)
	if err != nil {
		t.Fatal(err)
	}
	ask := exec.CommandContext(t.Context(), interpreter, "-W", "ignore", filepath.Join("testdata", "reference.py"))
	ask.Stdin, ask.Stderr = bytes.NewReader(question), os.Stderr
	text, err := ask.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []map[string]*string
	if err := json.Unmarshal(text, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}
