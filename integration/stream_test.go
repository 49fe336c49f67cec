package integration_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// stream is an app of testdata/apps on topics of its own. The app finds their names and its own in IN, OUT and APP.
type stream struct {
	broker *kafkatest.Broker
	file   string
	app    string
	in     string
	out    string
}

func newStream(t *testing.T, b *kafkatest.Broker, file string, partitions int) *stream {
	t.Helper()
	return &stream{
		broker: b, file: filepath.Join("testdata", "apps", file),
		app: kafkatest.Name(t, "app"), in: b.Topic(t, partitions), out: kafkatest.Name(t, "out"),
	}
}

func (s *stream) env() env { return env{"IN": s.in, "OUT": s.out, "APP": s.app} }

// start runs the app until somebody ends it.
func (s *stream) start(t *testing.T, flags ...string) *program {
	t.Helper()
	return start(t, s.broker, s.env(), append([]string{"run", s.file}, flags...)...)
}

// run runs the app to the end of its input.
func (s *stream) run(t *testing.T, flags ...string) *program {
	t.Helper()
	return s.start(t, append([]string{"--until-end"}, flags...)...).succeed(t)
}

// produce puts values into the input, each with its index as the key, in partition 0.
func (s *stream) produce(t *testing.T, values ...string) []kafkatest.Record {
	t.Helper()
	records := make([]kafkatest.Record, len(values))
	for i, value := range values {
		records[i] = kafkatest.Record{Key: fmt.Append(nil, i), Value: []byte(value)}
	}
	s.broker.Produce(t, s.in, records...)
	return records
}

func (s *stream) results(t *testing.T) []kafkatest.Record {
	t.Helper()
	return s.broker.ReadAll(t, s.out)
}

func (s *stream) deadLetters(t *testing.T) []kafkatest.Record {
	t.Helper()
	return s.broker.ReadAll(t, s.app+".dlq")
}

// values are the values of records by their keys, which must be distinct.
func values(t *testing.T, records []kafkatest.Record) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, r := range records {
		if _, twice := all[string(r.Key)]; twice {
			t.Errorf("key %s came twice", r.Key)
		}
		all[string(r.Key)] = string(r.Value)
	}
	return all
}

// numbered are JSON objects with the member n from first on.
func numbered(first, count int) []string {
	lines := make([]string, count)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"n":%d}`, first+i)
	}
	return lines
}

// times says how often each n from 0 to count-1 came, and fails if another did.
func times(t *testing.T, records []kafkatest.Record, count int) []int {
	t.Helper()
	seen := make([]int, count)
	for _, r := range records {
		var value struct{ N *int }
		err := json.Unmarshal(r.Value, &value)
		if err != nil || value.N == nil || *value.N < 0 || *value.N >= count {
			t.Fatalf("a record that nobody sent: %s", r.Value)
		}
		seen[*value.N]++
	}
	return seen
}

// exactlyOnce fails unless each n from 0 to count-1 came once.
func exactlyOnce(t *testing.T, records []kafkatest.Record, count int) {
	t.Helper()
	lost, again := tally(times(t, records, count))
	if lost+again > 0 {
		t.Errorf("of %d records %d were lost and %d came again", count, lost, again)
	}
}

// atLeastOnce fails unless each n from 0 to count-1 came.
func atLeastOnce(t *testing.T, records []kafkatest.Record, count int) {
	t.Helper()
	lost, again := tally(times(t, records, count))
	t.Logf("%d of %d records came again", again, count)
	if lost > 0 {
		t.Errorf("of %d records %d were lost", count, lost)
	}
}

func tally(seen []int) (lost, again int) {
	for _, n := range seen {
		switch {
		case n == 0:
			lost++
		case n > 1:
			again += n - 1
		}
	}
	return lost, again
}

func contains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s has no %q:\n%s", what, part, shorten(text))
		}
	}
}
