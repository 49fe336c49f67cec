package integration_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// weatherRecords are the weather, keyed by station, in the order of their times.
func weatherRecords(t *testing.T) []kafkatest.Record {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(read(t, weatherFile(t)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var records []kafkatest.Record
	for _, line := range lines[1:] {
		temperature := line[2]
		if temperature == "NA" {
			temperature = "null"
		}
		records = append(records, kafkatest.Record{
			Partition: kafkatest.ByKey, Key: []byte(line[0]),
			Value: fmt.Appendf(nil, `{"station":%q,"time":%q,"temp_f":%s}`, line[0], line[1], temperature),
		})
	}
	return records
}

// jumbled moves records about, each by less than reach places from that of any it passes.
func jumbled(records []kafkatest.Record, reach int) []kafkatest.Record {
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // test data
	for from := 0; from < len(records); from += reach {
		part := records[from:min(from+reach, len(records))]
		rng.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	return records
}

// figures are the numbers of one result; nulls are not among them.
type figures map[string]float64

// moment is a station's day, or one of its readings, by the start of the day or the time of the reading.
type moment struct {
	station string
	at      int64
}

// reference is what pandas makes of the weather.
func reference(t *testing.T) (daily, sliding map[moment]figures) {
	t.Helper()
	script := filepath.Join(kafkatest.Root(t), "integration", "testdata", "pandas_daily.py")
	cmd := exec.CommandContext(t.Context(), kafkatest.Python(t), script, weatherFile(t)) //nolint:gosec // our own paths
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	daily, sliding = map[moment]figures{}, map[moment]figures{}
	for line := range strings.Lines(string(text)) {
		at, found := result(t, []byte(line), "at")
		if _, is := found["n"]; is {
			daily[at] = found
		} else {
			sliding[at] = found
		}
	}
	return daily, sliding
}

// result reads a JSON object with a station, a time in the given field, and numbers.
func result(t *testing.T, text []byte, timeField string) (moment, figures) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	station, _ := object["station"].(string)
	found := figures{}
	for name, value := range object {
		if number, is := value.(float64); is {
			found[name] = number
		}
	}
	at := moment{station, int64(found[timeField])}
	for _, name := range []string{"at", "window_start", "window_end"} {
		delete(found, name)
	}
	return at, found
}

// computed are the results in a topic, each of which may be there again only if repeats are fine, and with equal numbers.
func computed(t *testing.T, records []kafkatest.Record, timeField string, repeats bool) map[moment]figures {
	t.Helper()
	all := map[moment]figures{}
	for _, r := range records {
		at, found := result(t, r.Value, timeField)
		before, again := all[at]
		if again && !repeats {
			t.Errorf("%v came twice", at)
		}
		if again && !alike(before, found) {
			t.Errorf("%v was %v, then %v", at, before, found)
		}
		all[at] = found
	}
	return all
}

// agree fails unless ours are what pandas computed.
func agree(t *testing.T, what string, ours, pandas map[moment]figures) {
	t.Helper()
	if len(ours) != len(pandas) {
		t.Errorf("%s: %d results, want %d", what, len(ours), len(pandas))
	}
	wrong := 0
	for at, want := range pandas {
		if got, there := ours[at]; !there || !alike(got, want) {
			if wrong++; wrong <= 5 {
				t.Errorf("%s at %v: got %v, want %v", what, at, got, want)
			}
		}
	}
}

// alike tells whether two results are equal to 1e-12.
func alike(a, b figures) bool {
	for name, x := range a {
		y, there := b[name]
		if !there || math.Abs(x-y) > 1e-12*max(1, math.Abs(x), math.Abs(y)) {
			return false
		}
	}
	return len(a) == len(b)
}

// weather is daily.py on topics of its own, with a state of its own.
type weather struct {
	*stream

	flags []string
	more  env
}

func newWeather(t *testing.T, b *kafkatest.Broker) *weather {
	t.Helper()
	return &weather{newStream(t, b, "daily.py", 4), []string{"--state-dir", t.TempDir()}, env{}}
}

func (w *weather) start(t *testing.T, flags ...string) *program {
	t.Helper()
	environment := w.env()
	maps.Copy(environment, w.more)
	return start(t, w.broker, environment, append(append([]string{"run", w.file}, w.flags...), flags...)...)
}

func (w *weather) run(t *testing.T, flags ...string) {
	t.Helper()
	w.start(t, append(flags, "--until-end")...).succeed(t)
}

// equalsPandas fails unless all results are those of pandas, and each is there once.
func (w *weather) equalsPandas(t *testing.T) {
	t.Helper()
	daily, sliding := reference(t)
	agree(t, "the daily results", computed(t, w.results(t), "window_start", false), daily)
	renamed := map[moment]figures{}
	for at, found := range sliding {
		renamed[at] = figures{}
		if mean, there := found["sliding"]; there {
			renamed[at]["mean"] = mean
		}
	}
	agree(t, "the sliding means", computed(t, w.broker.ReadAll(t, w.out+"-sliding"), "window_end", false), renamed)
}

func TestDailyAndSlidingStatisticsEqualThoseOfPandas(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWeather(t, b)
		b.Produce(t, w.in, weatherRecords(t)...)
		w.run(t, "--flush")
		w.equalsPandas(t)
	})
}

func TestRecordsOutOfOrderWithinTheirBoundChangeNoResult(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWeather(t, b)
		w.more["OUT_OF_ORDER"] = "48h"
		b.Produce(t, w.in, jumbled(weatherRecords(t), 20)...)
		w.run(t, "--flush")
		w.equalsPandas(t)
	})
}

func TestResultsAreTheSameForAnyNumberOfWorkers(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		var first []kafkatest.Record
		for _, workers := range []string{"1", "2", "4"} {
			w := newWeather(t, b)
			w.more["OUT_OF_ORDER"] = "48h"
			b.Produce(t, w.in, jumbled(weatherRecords(t), 20)...)
			w.run(t, "--flush", "--workers", workers)
			results := w.results(t)
			if first == nil {
				first = results
			}
			if len(results) != len(first) {
				t.Fatalf("%s workers gave %d results, one gave %d", workers, len(results), len(first))
			}
			for i := range first {
				if string(results[i].Value) != string(first[i].Value) || !results[i].Time.Equal(first[i].Time) {
					t.Fatalf("%s workers gave %s, one gave %s", workers, results[i].Value, first[i].Value)
				}
			}
		}
	})
}

// lastDays are the starts of the days that were not over when the readings ended.
func lastDays(daily map[moment]figures) map[moment]bool {
	last := map[string]int64{}
	for at := range daily {
		last[at.station] = max(last[at.station], at.at)
	}
	open := map[moment]bool{}
	for station, at := range last {
		open[moment{station, at}] = true
	}
	return open
}

func TestWindowsThatAreOpenAtTheEndGoOnWithTheNextRun(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWeather(t, b)
		daily, _ := reference(t)
		all := weatherRecords(t)
		half := len(all) / 2
		b.Produce(t, w.in, all[:half]...)
		w.run(t)
		b.Produce(t, w.in, all[half:]...)
		w.run(t)
		open := lastDays(daily)
		closed := computed(t, w.results(t), "window_start", false)
		for at := range daily {
			if _, there := closed[at]; there == open[at] {
				t.Errorf("%v is there: %t, and was open at the end: %t", at, there, open[at])
			}
		}
		w.run(t, "--flush")
		w.equalsPandas(t)
	})
}

// spread gives readings of all stations by turns: that is how they came to be.
func spread(records []kafkatest.Record) []kafkatest.Record {
	byStation := byKey(records)
	var mixed []kafkatest.Record
	for i := 0; len(mixed) < len(records); i++ {
		for _, station := range []string{"EWR", "JFK", "LGA"} {
			if i < len(byStation[station]) {
				mixed = append(mixed, byStation[station][i])
			}
		}
	}
	return mixed
}

func TestARunThatIsStoppedAndStartedAgainGivesEachResultOnce(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWeather(t, b)
		all := spread(weatherRecords(t))
		half := len(all) / 2
		b.Produce(t, w.in, all[:half]...)
		run := w.start(t, "--commit-interval", "5m", "--metrics-addr", "127.0.0.1:0")
		run.awaitOut(t, 100)
		b.Produce(t, w.in, all[half:]...)
		run.stop(t)
		w.run(t, "--flush")
		w.equalsPandas(t)
	})
}

func TestARunThatIsKilledGivesTheRightResultsAgain(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		w := newWeather(t, b)
		all := spread(weatherRecords(t))
		// A killed member keeps its partitions until its session times out.
		w.flags = append(w.flags, "-X", "session.timeout.ms=6000", "-X", "group.instance.id=one", "--commit-interval", "50ms")
		const kills = 4
		producer := b.Producer(t)
		for i := range kills {
			run := w.start(t, "--metrics-addr", "127.0.0.1:0")
			producer.Produce(t, w.in, all[len(all)*i/kills:len(all)*(i+1)/kills]...)
			run.awaitOut(t, 50)
			run.kill()
		}
		w.run(t, "--flush")
		daily, _ := reference(t)
		results := w.results(t)
		agree(t, "the daily results", computed(t, results, "window_start", true), daily)
		t.Logf("%d of %d results came again", len(results)-len(daily), len(daily))
	})
}
