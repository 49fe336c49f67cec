package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/embedded"
)

// withBroker returns a program whose environment names a broker.
func withBroker(t *testing.T) *program {
	t.Helper()
	broker, err := embedded.Start(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	p := newProgram(t)
	p.env["PYUDF_BROKERS"] = broker.Addr()
	return p
}

// shown is a line of tail --format json.
type shown struct {
	Partition int
	Offset    int64
	Time      string
	Key       *string
	Value     json.RawMessage
}

// tail returns what tail shows.
func (p *program) tail(t *testing.T, args ...string) []shown {
	t.Helper()
	p.must(t, append([]string{"tail", "--format", "json"}, args...)...)
	var all []shown
	for line := range strings.SplitSeq(strings.TrimSpace(p.out.String()), "\n") {
		if line == "" {
			continue
		}
		var one shown
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, one)
	}
	return all
}

const readings = "station,time,temp_f\nEWR,2013-01-01T06:00:00Z,39.020\nJFK,2013-01-01T07:00:00Z,NA\nEWR,2013-01-01T08:00:00Z,9007199254740993\n"

func TestWhatIsProducedIsWhatTailShows(t *testing.T) {
	p := withBroker(t)
	p.must(t, "produce", "weather", writeFile(t, "w.csv", readings), "--key", "station", "--time", "time", "--partitions", "3")
	if got := p.err.String(); !strings.Contains(got, "done: 3 records sent to weather; ") {
		t.Errorf("got %s", got)
	}
	all := p.tail(t, "weather")
	if len(all) != 3 {
		t.Fatalf("got %d records, want 3", len(all))
	}
	newark := p.tail(t, "weather", "--key", "EWR")
	if len(newark) != 2 || newark[0].Time != "2013-01-01T06:00:00Z" ||
		string(newark[0].Value) != `{"station":"EWR","time":"2013-01-01T06:00:00Z","temp_f":39.020}` ||
		string(newark[1].Value) != `{"station":"EWR","time":"2013-01-01T08:00:00Z","temp_f":9007199254740993}` {
		t.Errorf("for EWR came %+v", newark)
	}
	kennedy := p.tail(t, "weather", "--key", "JFK")
	if len(kennedy) != 1 || string(kennedy[0].Value) != `{"station":"JFK","time":"2013-01-01T07:00:00Z","temp_f":null}` {
		t.Errorf("for JFK came %+v", kennedy)
	}
}

func TestTailBeginsWhereItIsTold(t *testing.T) {
	p := withBroker(t)
	var lines strings.Builder
	for i := range 25 {
		fmt.Fprintln(&lines, i)
	}
	p.must(t, "produce", "n", writeFile(t, "n.jsonl", lines.String()), "--partitions", "1")
	for _, test := range []struct {
		args  string
		first string
		count int
	}{
		{"", "15", 10},
		{"--offset earliest", "0", 25},
		{"--offset 20", "20", 5},
		{"--offset -3", "22", 3},
		{"--offset -1000", "0", 25},
		{"--offset earliest --limit 4", "0", 4},
		{"--offset latest", "", 0},
		{"--offset 0 --partition 0", "0", 25},
	} {
		got := p.tail(t, append([]string{"n"}, strings.Fields(test.args)...)...)
		if len(got) != test.count || (test.count > 0 && string(got[0].Value) != test.first) {
			t.Errorf("%s: got %d records from %+v on, want %d from %s on", test.args, len(got), got, test.count, test.first)
		}
	}
}

func TestTailFollowsUntilItIsInterrupted(t *testing.T) {
	p := withBroker(t)
	p.must(t, "produce", "n", writeFile(t, "n.jsonl", "1\n"))
	other := newProgram(t)
	other.env = p.env
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	other.world.out = write
	ended := make(chan int, 1)
	go func() { ended <- execute(t.Context(), []string{"tail", "n", "-f", "--format", "json"}, other.world) }()
	lines := json.NewDecoder(read)
	for want := range 3 {
		if want > 0 {
			p.must(t, "produce", "n", writeFile(t, "n.jsonl", fmt.Sprintln(want+1)))
		}
		var one shown
		if err := lines.Decode(&one); err != nil || string(one.Value) != strconv.Itoa(want+1) {
			t.Fatalf("got %s (%v), want %d", one.Value, err, want+1)
		}
	}
	other.signals <- os.Interrupt
	if code := <-ended; code != 0 {
		t.Fatalf("it ended with %d: %s", code, other.err.String())
	}
}

func TestWhatIsNotThereIsNamed(t *testing.T) {
	p := withBroker(t)
	brokers := p.env["PYUDF_BROKERS"]
	p.refuses(t, "pyudf: unknown topic \"nope\" on the brokers at "+brokers+": check the name and --brokers, or create the topic with `pyudf produce nope FILE`", "tail", "nope")
	p.must(t, "produce", "n", writeFile(t, "n.jsonl", "1\n"), "--partitions", "2")
	p.refuses(t, "pyudf: --partition 2: n has the partitions 0 to 1", "tail", "n", "--partition", "2")
}

func TestABadLineStopsTheFileAndSaysWhatWasSent(t *testing.T) {
	p := withBroker(t)
	lines := writeFile(t, "n.jsonl", "1\n2\nthree\n4\n")
	p.refuses(t, "pyudf: "+lines+", line 3: it is no JSON value: at byte 2: invalid character 'h' in literal true (expecting 'r'); 2 records before it were sent: mend the line, or leave it out", "produce", "n", lines)
	if got := p.tail(t, "n"); len(got) != 2 {
		t.Errorf("%d records are in the topic, want 2", len(got))
	}
	ragged := writeFile(t, "n.csv", "a,b\n1,2\n3\n")
	p.refuses(t, "pyudf: "+ragged+", line 3: the line has 1 fields where there are 2 columns; nothing was sent: mend the line, or leave it out", "produce", "ragged", ragged)
	p.refuses(t, "pyudf: "+ragged+": --key c: there is no such column, there are a, b", "produce", "ragged", ragged, "--key", "c")
}

func TestStandardInputIsAFileToo(t *testing.T) {
	p := withBroker(t)
	p.in.Reset(readings)
	p.must(t, "produce", "a", "-", "--format", "csv", "--log-format", "json")
	var line struct {
		Msg, How string
		Sent     int
	}
	if err := json.Unmarshal(p.err.Bytes(), &line); err != nil || line.Msg != "finished" || line.How != "done" || line.Sent != 3 {
		t.Errorf("got %s (%v)", p.err.String(), err)
	}
	p.in.Reset("{}\n[")
	p.refuses(t, "pyudf: standard input, line 2: it is no JSON value: at byte 1: unexpected end of JSON input; the record before it was sent: mend the line, or leave it out", "produce", "b", "-", "--format", "json")
}
