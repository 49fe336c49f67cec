package integration_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// lines are readings as JSON lines; their temperatures have short names in Celsius.
const lines = `{"station":"JFK","temp_f":50,"id":9007199254740993}
{"station":"EWR","temp_f":212.0,"id":2}
{"station":"JFK","temp_f":null,"id":3}
`

// converted is what comes of lines.
func converted() []map[string]any {
	return []map[string]any{
		{"station": "JFK", "temp_f": json.Number("50"), "id": json.Number("9007199254740993"), "temp_c": json.Number("10")},
		{"station": "EWR", "temp_f": json.Number("212"), "id": json.Number("2"), "temp_c": json.Number("100")},
		{"station": "JFK", "temp_f": nil, "id": json.Number("3"), "temp_c": nil},
	}
}

// between runs the app from one place to another.
func between(t *testing.T, b *kafkatest.Broker, from, to string, flags ...string) *program {
	t.Helper()
	places := env{"IN": from, "OUT": to, "APP": kafkatest.Name(t, "app")}
	args := append([]string{"run", filepath.Join("testdata", "apps", "fromfile.py")}, flags...)
	return start(t, b, places, args...).succeed(t)
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rows reads JSON lines; whole floats and integers are the same number.
func rows(t *testing.T, text string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(text) {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		var row map[string]any
		if err := decoder.Decode(&row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for name, value := range row {
			if number, ok := value.(json.Number); ok {
				row[name] = json.Number(strings.TrimSuffix(number.String(), ".0"))
			}
		}
		all = append(all, row)
	}
	return all
}

func same(t *testing.T, got []map[string]any) {
	t.Helper()
	if want := converted(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path) //nolint:gosec // our own file
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestACSVBecomesJSONLinesWithoutABroker(t *testing.T) {
	in := written(t, "in.csv", "station,temp_f,id\nJFK,50,9007199254740993\nEWR,212.0,2\nJFK,NA,3\n")
	out := filepath.Join(t.TempDir(), "out.jsonl")
	between(t, nil, in, out)
	same(t, rows(t, read(t, out)))
}

func TestJSONLinesBecomeParquetThatOthersRead(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.parquet")
	between(t, nil, written(t, "in.jsonl", lines), out)
	text, err := exec.CommandContext(t.Context(), kafkatest.Python(t), "testdata/read_parquet.py", out).CombinedOutput() //nolint:gosec // our own paths
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	types, data, _ := strings.Cut(string(text), "\n")
	contains(t, "the schema", types, `"station": "string"`, `"temp_f": "double"`, `"id": "int64"`, `"temp_c": "double"`)
	same(t, rows(t, data))
	back := filepath.Join(t.TempDir(), "back.jsonl")
	between(t, nil, out, back)
	same(t, rows(t, read(t, back)))
}

func TestFilesGoIntoTopicsAndBack(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		topic := kafkatest.Name(t, "readings")
		between(t, b, written(t, "in.jsonl", lines), topic)
		records := byKey(b.ReadAll(t, topic))
		if len(records["JFK"]) != 2 || len(records["EWR"]) != 1 {
			t.Fatalf("the topic has %d records of JFK and %d of EWR, want 2 and 1", len(records["JFK"]), len(records["EWR"]))
		}
		var values strings.Builder
		for _, r := range []kafkatest.Record{records["JFK"][0], records["EWR"][0], records["JFK"][1]} {
			values.Write(append(r.Value, '\n'))
		}
		same(t, rows(t, values.String()))
		out := filepath.Join(t.TempDir(), "out.jsonl")
		between(t, b, topic, out, "--until-end")
		if back := rows(t, read(t, out)); len(back) != 3 {
			t.Errorf("%d lines came back, want 3", len(back))
		}
	})
}

func TestABadLineOfAFileIsADeadLetterInAFile(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.jsonl")
	in := written(t, "in.jsonl", `{"station":"JFK","temp_f":50}`+"\n"+`{"station":"EWR","temp_f":"hot"}`+"\n")
	app := filepath.Join(kafkatest.Root(t), "integration", "testdata", "apps", "fromfile.py")
	run := startIn(t, dir, nil, env{"IN": in, "OUT": out, "APP": "thermometer"}, "run", app).succeed(t)
	if got := rows(t, read(t, out)); len(got) != 1 {
		t.Errorf("%d lines came out, want 1", len(got))
	}
	dead := read(t, filepath.Join(dir, "thermometer.dlq.jsonl"))
	contains(t, "the dead letter", dead, "wrong_type", "hot", "celsius")
	contains(t, "what the run said", run.err.String(), "thermometer.dlq.jsonl")
}
