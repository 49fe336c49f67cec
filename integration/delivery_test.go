package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// readings is how many rows the file of real weather has.
const readings = 26_115

// reading is a row of the weather, and its heat index as plain Python writes it; nil where there is none.
type reading struct {
	Row       map[string]string `json:"row"`
	HeatIndex *string           `json:"heat_index"`
}

//nolint:gochecknoglobals // Python does the file once for all tests
var plainPython = sync.OnceValues(func() ([]byte, error) {
	root, err := filepath.Abs("..")
	if err != nil {
		return nil, err
	}
	weather := filepath.Join(root, "examples", "weather")
	python := filepath.Join(root, ".venv", "bin", "python")
	return exec.Command(python, "testdata/plain_heat.py", weather, filepath.Join(weather, "nyc-weather-2013.csv")).Output()
})

// expected are the readings of each station in the order of the file.
func expected(t *testing.T) map[string][]reading {
	t.Helper()
	kafkatest.Python(t) // skips without one
	lines, err := plainPython()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]reading{}
	for line := range bytes.Lines(lines) {
		var r reading
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		all[r.Row["station"]] = append(all[r.Row["station"]], r)
	}
	return all
}

func weatherFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(kafkatest.Root(t), "examples", "weather", "nyc-weather-2013.csv")
}

func heatFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(kafkatest.Root(t), "examples", "weather", "heat.py")
}

// loaded returns a topic with the weather.
func loaded(t *testing.T, b *kafkatest.Broker, partitions int) string {
	t.Helper()
	topic := kafkatest.Name(t, "weather")
	pyudf(t, b, "produce", topic, weatherFile(t), "--key", "station", "--time", "time", "--partitions", strconv.Itoa(partitions))
	return topic
}

// heat is a command line that runs the notebook function from one topic to another.
func heat(t *testing.T, from, to string, flags ...string) []string {
	t.Helper()
	return append([]string{
		"run", heatFile(t) + ":heat_index", "--from", from, "--to", to, "--column", "heat_index",
		"--key", "station", "--time", "time", "--group", kafkatest.Name(t, "group"),
	}, flags...)
}

func TestEveryHeatIndexIsThatOfPlainPythonOnAnyNumberOfWorkers(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		in := loaded(t, b, 3)
		input := b.ReadAll(t, in)
		for _, workers := range []string{"1", "2", "4"} {
			t.Run(workers, func(t *testing.T) {
				out := kafkatest.Name(t, "heat")
				pyudf(t, b, heat(t, in, out, "--until-end", "--workers", workers)...)
				sameAsPlainPython(t, input, b.ReadAll(t, out))
			})
		}
	})
}

func TestTheExampleRunsAsItStands(t *testing.T) {
	b := kafkatest.Embedded(t)
	pyudf(t, b, "produce", "weather", weatherFile(t), "--key", "station", "--time", "time")
	pyudf(t, b, "run", heatFile(t), "--until-end")
	sameAsPlainPython(t, b.ReadAll(t, "weather"), b.ReadAll(t, "heat"))
	if dead := b.ReadAll(t, "heat.dlq"); len(dead) > 0 {
		t.Errorf("%d readings are dead letters; NA is a null and no fault", len(dead))
	}
}

func TestWhereBatchesAreCutChangesNothing(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		input := b.ReadAll(t, loaded(t, b, 3))
		in, out := b.Topic(t, 3), kafkatest.Name(t, "heat")
		run := start(t, b, nil, heat(t, in, out, "--workers", "2", "--commit-interval", "300ms")...)
		producer := b.Producer(t)
		random := rand.New(rand.NewPCG(2013, 1)) //nolint:gosec // the same cuts in every run
		for rest := input; len(rest) > 0; {
			size := min(len(rest), 1+random.IntN(1<<random.IntN(14)))
			producer.Produce(t, in, rest[:size]...)
			rest = rest[size:]
		}
		b.Await(t, out, readings)
		run.stop(t)
		sameAsPlainPython(t, b.ReadAll(t, in), b.ReadAll(t, out))
	})
}

// sameAsPlainPython compares output with input and with plain Python, station by station, in order.
func sameAsPlainPython(t *testing.T, input, output []kafkatest.Record) {
	t.Helper()
	if len(input) != readings || len(output) != readings {
		t.Fatalf("%d records went in and %d came out, want %d", len(input), len(output), readings)
	}
	want, sent, got := expected(t), byKey(input), byKey(output)
	for station, rows := range want {
		if len(sent[station]) != len(rows) || len(got[station]) != len(rows) {
			t.Errorf("%s: %d went in and %d came out, want %d", station, len(sent[station]), len(got[station]), len(rows))
			continue
		}
		for i, row := range rows {
			if err := row.check(sent[station][i], got[station][i]); err != nil {
				t.Fatalf("%s, reading %d: %v", station, i, err)
			}
		}
	}
}

func byKey(records []kafkatest.Record) map[string][]kafkatest.Record {
	all := map[string][]kafkatest.Record{}
	for _, r := range records {
		all[string(r.Key)] = append(all[string(r.Key)], r)
	}
	return all
}

// check compares a record of the output with the one it comes from and with the row of the file.
func (r reading) check(sent, got kafkatest.Record) error {
	passed, heat, found := strings.Cut(string(got.Value), `,"heat_index":`)
	if !found || passed+"}" != string(sent.Value) {
		return fmt.Errorf("the input %s came out as %s", sent.Value, got.Value)
	}
	at, err := time.Parse(time.RFC3339, r.Row["time"])
	if err != nil || !got.Time.Equal(at) || !sent.Time.Equal(at) {
		return fmt.Errorf("the time is %v, want %s", got.Time, r.Row["time"])
	}
	for _, field := range []string{"temp_f", "rh", "wind_mph", "precip_in", "pressure_mb"} {
		number := r.Row[field]
		if number == "NA" {
			number = "null"
		}
		if !strings.Contains(passed+",", fmt.Sprintf(`"%s":%s,`, field, number)) {
			return fmt.Errorf("%s is not %s in %s", field, number, passed)
		}
	}
	return r.sameFloat(strings.TrimSuffix(heat, "}"))
}

func (r reading) sameFloat(text string) error {
	if r.HeatIndex == nil {
		if text != "null" {
			return fmt.Errorf("the heat index is %s, want null", text)
		}
		return nil
	}
	want, err := strconv.ParseFloat(*r.HeatIndex, 64)
	if err != nil {
		return err
	}
	got, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return err
	}
	if math.Float64bits(got) != math.Float64bits(want) {
		return fmt.Errorf("the heat index is %s, want %s", text, *r.HeatIndex)
	}
	return nil
}

func TestKeysTimesHeadersAndFieldsAreCarriedOver(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "double.py", 5)
		old := time.UnixMilli(1357020000123)
		input := []kafkatest.Record{
			{Partition: kafkatest.ByKey, Key: []byte("JFK"), Time: old, Value: []byte(`{"x":1,"id":9007199254740993,"d":0.10000000000000000000001,"e":1E400,"big":123456789012345678901234567890}`)},
			{Partition: kafkatest.ByKey, Key: []byte("J\x00F\xffK"), Time: old.Add(time.Hour), Value: []byte(`{ "text": "\u00e9\n\"", "x": 2.5, "list": [1.10, {"x": 3}] }`)},
			{Partition: kafkatest.ByKey, Key: []byte("EWR"), Time: old, Value: []byte(`{"x":-0.0}`), Headers: []kafkatest.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte{0xff}}, {Key: "b"}}},
		}
		b.Produce(t, s.in, input...)
		s.run(t)
		got := byKey(s.results(t))
		for i, value := range []string{
			`{"x":1,"id":9007199254740993,"d":0.10000000000000000000001,"e":1E400,"big":123456789012345678901234567890,"y":2.0}`,
			`{ "text": "\u00e9\n\"", "x": 2.5, "list": [1.10, {"x": 3}],"y":5.0}`,
			`{"x":-0.0,"y":-0.0}`,
		} {
			out := got[string(input[i].Key)]
			if len(out) != 1 {
				t.Fatalf("key %q came %d times", input[i].Key, len(out))
			}
			if compact(out[0].Value) != compact([]byte(value)) {
				t.Errorf("got  %s\nwant %s", out[0].Value, value)
			}
			if !out[0].Time.Equal(input[i].Time) || !reflect.DeepEqual(out[0].Headers, input[i].Headers) {
				t.Errorf("key %q has the time %v and the headers %v", out[0].Key, out[0].Time, out[0].Headers)
			}
		}
	})
}

// compact drops blanks and the fraction of whole floats, and nothing else: 2.0 and 2 are the same float.
func compact(value []byte) string {
	var out bytes.Buffer
	if err := json.Compact(&out, value); err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(out.String(), ".0}", "}")
}

func TestU4TheOutputHasThePartitionsOfTheInputAndKeepsTheOrderOfAKey(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "double.py", 5)
		var input []kafkatest.Record
		const count = 20_000
		for i := range count {
			input = append(input, kafkatest.Record{Partition: kafkatest.ByKey, Key: fmt.Append(nil, i%97), Value: fmt.Appendf(nil, `{"x":%d}`, i)})
		}
		b.Produce(t, s.in, input...)
		s.run(t, "--workers", "3")
		if partitions := b.Partitions(t, s.out); partitions != 5 {
			t.Errorf("the output has %d partitions, want 5", partitions)
		}
		sent, got := byKey(b.ReadAll(t, s.in)), byKey(s.results(t))
		for key, records := range sent {
			for i, r := range records {
				if i >= len(got[key]) || got[key][i].Partition != r.Partition || !bytes.HasPrefix(got[key][i].Value, bytes.TrimSuffix(r.Value, []byte("}"))) {
					t.Fatalf("record %d of key %s is %s in partition %d and has no counterpart", i, key, r.Value, r.Partition)
				}
			}
		}
	})
}
