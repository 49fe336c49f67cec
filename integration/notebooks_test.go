package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// notebook is one of examples/notebooks.
type notebook struct {
	file, app string
	// topic is what the app reads; the notebook calls the frame that it replays as that topic data. The key of its records
	// is in the field key.
	topic, data, key string
	outputs          []string
	// disordered tells that some of its records are late and some cannot be used. Which are late depends on what else is in
	// the partition, so they are all in one, as in a replay.
	disordered bool
	// windows tells that it has windows, so that the end of all time changes something.
	windows bool
}

func notebooks() []notebook {
	return []notebook{
		{file: "heat.ipynb", app: "heat", topic: "weather", data: "readings", key: "station", outputs: []string{"heat", "daily"}, windows: true},
		{file: "couriers.ipynb", app: "couriers", topic: "actions", data: "taps", key: "courier", outputs: []string{"active"}, disordered: true, windows: true},
		{file: "model.ipynb", app: "forecast", topic: "readings", data: "weather", key: "station", outputs: []string{"features", "forecast"}},
	}
}

func TestWhatIsDeployedGivesWhatTheNotebookReplayed(t *testing.T) {
	var all []*replayed
	for _, n := range notebooks() {
		all = append(all, n.replay(t))
	}
	kafkatest.EachOwn(t, func(t *testing.T, b *kafkatest.Broker) {
		for _, r := range all {
			t.Run(r.file, func(t *testing.T) {
				d := produced(t, b, r)
				d.deploy(t)
				d.check(t, "open")
				if r.windows {
					d.flush(t)
					d.check(t, "closed")
				}
			})
		}
	})
}

// replayed is a notebook that ran from its first cell to its last, as a bundle, with what its replay had and gave.
type replayed struct {
	notebook
	bundle    string
	directory string
}

// replay runs the notebook in a copy of its directory, and bundles it there.
func (n notebook) replay(t *testing.T) *replayed {
	t.Helper()
	home := t.TempDir()
	if err := os.CopyFS(home, os.DirFS(filepath.Join(kafkatest.Root(t), "examples"))); err != nil {
		t.Fatal(err)
	}
	r := &replayed{notebook: n, bundle: filepath.Join(home, n.app+".pyudf"), directory: filepath.Join(home, "replayed")}
	path := filepath.Join(home, "notebooks", n.file)
	cmd := exec.CommandContext(t.Context(), kafkatest.Python(t), "testdata/replay_notebook.py", path, r.directory, n.topic+"="+n.data) //nolint:gosec // our own paths
	cmd.Env = append(os.Environ(), "PYUDF_BIN="+kafkatest.Pyudf(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("run %s: %v\n%s", n.file, err, out)
	}
	startIn(t, filepath.Dir(path), nil, nil, "bundle", "build", n.file, "-o", r.bundle).succeed(t)
	return r
}

// lines are what the replay wrote to a file, in order.
func (r *replayed) lines(t *testing.T, kind, name string) []string {
	t.Helper()
	return slices.Collect(strings.Lines(read(t, filepath.Join(r.directory, kind, name+".jsonl"))))
}

// input are the records that the replay had, each for a partition.
func (r *replayed) input(t *testing.T, partition int32) []kafkatest.Record {
	t.Helper()
	var records []kafkatest.Record
	for _, line := range r.lines(t, "input", r.topic) {
		value := strings.TrimSpace(line)
		records = append(records, kafkatest.Record{Partition: partition, Key: []byte(r.keyOf(t, value)), Value: []byte(value)})
	}
	return records
}

func (n notebook) keyOf(t *testing.T, value string) string {
	t.Helper()
	key, is := members(t, value)[n.key].(string)
	if !is {
		t.Fatalf("%s has no key in the field %s", value, n.key)
	}
	return key
}

// production is a notebook in production on a broker.
type production struct {
	*replayed

	broker   *kafkatest.Broker
	spread   bool
	stateDir string
}

// produced creates the topics and feeds the one that the app reads. Those of a notebook whose records are in order have
// several partitions on a real Kafka, where records of a key keep their order, and one on the embedded broker, where all do.
func produced(t *testing.T, b *kafkatest.Broker, r *replayed) *production {
	t.Helper()
	d := &production{replayed: r, broker: b, spread: b.Name == "kafka" && !r.disordered, stateDir: t.TempDir()}
	partitions, partition := 1, int32(0)
	if d.spread {
		partitions, partition = 3, kafkatest.ByKey
	}
	for _, topic := range append([]string{r.topic}, r.outputs...) {
		b.CreateTopic(t, topic, partitions)
	}
	b.CreateTopic(t, r.app+".late", 1)
	b.CreateTopic(t, r.app+".dlq", 1)
	b.Produce(t, r.topic, r.input(t, partition)...)
	return d
}

// deploy has a node run the bundle until what the replay gave is there, and stops it.
func (d *production) deploy(t *testing.T) {
	t.Helper()
	c := &cluster{versioned: &versioned{stream: &stream{broker: d.broker}}, name: kafkatest.Name(t, "cluster")}
	n := c.node(t, d.stateDir, nil)
	n.deploy(t, d.bundle, "--name", d.app)
	for topic, kind := range d.given() {
		want := len(d.lines(t, "open", kind))
		eventually(t, fmt.Sprintf("%d records in %s", want, topic), func() bool { return len(d.broker.ReadAll(t, topic)) >= want })
	}
	n.ask(t, nil, "stop", d.app).succeed(t)
	n.stop(t)
}

// given are the topics that the app writes to, with the names that the replay has for what goes there.
func (d *production) given() map[string]string {
	topics := map[string]string{d.app + ".late": "late", d.app + ".dlq": "dead"}
	for _, topic := range d.outputs {
		topics[topic] = topic
	}
	return topics
}

// flush closes the windows that the deployment left open, as a notebook's replay can.
func (d *production) flush(t *testing.T) {
	t.Helper()
	start(t, d.broker, nil, "run", d.bundle, "--group", d.app, "--until-end", "--flush", "--state-dir", d.stateDir).succeed(t)
}

// check fails unless what is in the topics is what the replay gave, record by record.
func (d *production) check(t *testing.T, kind string) {
	t.Helper()
	for _, topic := range d.outputs {
		var want, got []entity
		for _, line := range d.lines(t, kind, topic) {
			want = append(want, entity{d.keyOf(t, line), canonical(t, line)})
		}
		for _, r := range d.broker.ReadAll(t, topic) {
			got = append(got, entity{string(r.Key), canonical(t, string(r.Value))})
		}
		d.compare(t, kind+": "+topic, got, want)
	}
	d.checkLate(t, kind)
	d.checkDead(t, kind)
}

func (d *production) checkLate(t *testing.T, kind string) {
	t.Helper()
	var want, got []entity
	for _, line := range d.lines(t, kind, "late") {
		want = append(want, entity{d.keyOf(t, line), canonical(t, line)})
	}
	for _, r := range d.broker.ReadAll(t, d.app+".late") {
		all := members(t, string(r.Value))
		for _, h := range r.Headers {
			all[h.Key] = number(string(h.Value))
		}
		got = append(got, entity{string(r.Key), encoded(t, all)})
	}
	d.compare(t, kind+": the late records", got, want)
	if d.disordered && len(got) == 0 {
		t.Error("no record is late, so nothing is compared")
	}
}

// letterColumns are the columns of a replay's dead letters, by the headers that tell the same.
func letterColumns() map[string]string {
	return map[string]string{
		"pyudf.topic": "source", "pyudf.offset": "row", "pyudf.reason": "reason", "pyudf.message": "message", "pyudf.step": "step",
		"pyudf.function": "function", "pyudf.exception": "exception", "pyudf.traceback": "traceback",
	}
}

// checkDead compares dead letters, too. Tracebacks name the same lines of the same cells: In [3] in a kernel, heat.ipynb[3] elsewhere.
func (d *production) checkDead(t *testing.T, kind string) {
	t.Helper()
	var want, got []entity
	for _, line := range d.lines(t, kind, "dead") {
		letter := members(t, line)
		if text, is := letter["traceback"].(string); is {
			letter["traceback"] = strings.ReplaceAll(text, `File "In [`, `File "`+d.file+`[`)
		}
		if value, is := letter["value"].(string); is {
			letter["value"] = members(t, value)
		}
		want = append(want, entity{"", encoded(t, letter)})
	}
	for _, r := range d.broker.ReadAll(t, d.app+".dlq") {
		letter := map[string]any{"value": members(t, string(r.Value))}
		for header, name := range letterColumns() {
			letter[name] = nil
			if text := r.Header(header); text != "" {
				letter[name] = number(text)
			}
		}
		got = append(got, entity{"", encoded(t, letter)})
	}
	d.compare(t, kind+": the dead letters", got, want)
	if d.disordered && len(got) == 0 {
		t.Error("there are no dead letters, so nothing is compared")
	}
}

// entity is a record: its key, and its value in a form that is the same for equal values.
type entity struct{ key, value string }

// compare fails unless the records are equal and in one order; in several partitions those of each key.
func (d *production) compare(t *testing.T, what string, got, want []entity) {
	t.Helper()
	if d.spread {
		byKey := func(a, b entity) int { return strings.Compare(a.key, b.key) }
		slices.SortStableFunc(got, byKey)
		slices.SortStableFunc(want, byKey)
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d records, the replay has %d", what, len(got), len(want))
	}
	const most = 3
	wrong := 0
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			if wrong++; wrong <= most {
				t.Errorf("%s, record %d:\nis   %v\nwant %v", what, i, got[i], want[i])
			}
		}
	}
	t.Logf("%s: %d records compared, %d differ", what, min(len(got), len(want)), wrong)
}

// members are those of a JSON object, numbers as their digits.
func members(t *testing.T, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var all map[string]any
	if err := decoder.Decode(&all); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return all
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	return encoded(t, members(t, text))
}

// encoded is the JSON of a value with its members in the order of their names, and each number with the fewest digits that give the
// same double: equal texts are equal values, bit for bit.
func encoded(t *testing.T, value any) string {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(shortest(t, value)); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}

func shortest(t *testing.T, value any) any {
	t.Helper()
	switch value := value.(type) {
	case json.Number:
		if _, err := strconv.ParseInt(value.String(), 10, 64); err == nil && value != "-0" {
			return value
		}
		double, err := value.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return json.Number(strconv.FormatFloat(double, 'g', -1, 64))
	case []any:
		for i := range value {
			value[i] = shortest(t, value[i])
		}
	case map[string]any:
		for _, name := range slices.Collect(maps.Keys(value)) {
			value[name] = shortest(t, value[name])
		}
	}
	return value
}

// number is a text as JSON has it: as a number if it is one.
func number(text string) any {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return json.Number(text)
	}
	return text
}

func (e entity) String() string { return fmt.Sprintf("%s: %s", e.key, e.value) }
