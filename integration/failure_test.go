package integration_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// neighbours are values around the one at the index that the test is about: 0 to 2*index.
func neighbours(index int, value string) []string {
	lines := make([]string, 2*index+1)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"x":%d}`, i)
	}
	lines[index] = value
	return lines
}

// doubled fails unless the results are the values of neighbours, doubled, but for those at some indexes.
func doubled(t *testing.T, results []kafkatest.Record, count int, but ...int) map[string]string {
	t.Helper()
	all := values(t, results)
	for i := range count {
		key := strconv.Itoa(i)
		except := false
		for _, b := range but {
			except = except || b == i
		}
		if want := fmt.Sprintf(`{"x":%d,"y":%d.0}`, i, 2*i); !except && compact([]byte(all[key])) != compact([]byte(want)) {
			t.Errorf("record %d came out as %q, want %s", i, all[key], want)
		}
	}
	return all
}

// letter is the dead letter of a record, which must be there.
func letter(t *testing.T, letters []kafkatest.Record, origin kafkatest.Record) kafkatest.Record {
	t.Helper()
	for _, l := range letters {
		if string(l.Key) == string(origin.Key) && string(l.Value) == string(origin.Value) {
			return l
		}
	}
	t.Fatalf("%s: %s is no dead letter", origin.Key, shorten(string(origin.Value)))
	return kafkatest.Record{}
}

// says compares headers of a record.
func says(t *testing.T, r kafkatest.Record, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got := r.Header(name); got != text {
			t.Errorf("%s: header %s is %q, want %q", r.Key, name, got, text)
		}
	}
}

func TestARecordOnWhichTheFunctionRaisesIsADeadLetterThatTellsAll(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "faults.py", 2)
		at := time.UnixMilli(1357020000123)
		bad := kafkatest.Record{
			Key: []byte("bad"), Value: []byte(`{ "x": 7, "do": "raise" }`), Time: at, Partition: 1,
			Headers: []kafkatest.Header{{Key: "trace", Value: []byte("abc")}},
		}
		b.Produce(t, s.in, kafkatest.Record{Partition: 1, Key: []byte("a"), Value: []byte(`{"x":1}`)}, bad,
			kafkatest.Record{Partition: 1, Key: []byte("b"), Value: []byte(`{"x":2}`)})
		s.run(t)
		letters := s.deadLetters(t)
		if len(letters) != 1 || len(s.results(t)) != 2 {
			t.Fatalf("%d dead letters and %d results, want 1 and 2", len(letters), len(s.results(t)))
		}
		l := letter(t, letters, bad)
		says(t, l, map[string]string{
			"trace": "abc", "pyudf.topic": s.in, "pyudf.partition": "1", "pyudf.offset": "1", "pyudf.reason": "raised",
			"pyudf.function": "act", "pyudf.exception": "ValueError", "pyudf.message": "no 7 today",
		})
		contains(t, "the traceback", l.Header("pyudf.traceback"), "faults.py", `raise ValueError(f"no {x:g} today")`, "in act")
		if !l.Time.Equal(at) {
			t.Errorf("the dead letter has the time %v, want %v", l.Time, at)
		}
	})
}

func TestU11RecordsThatCannotBeReadAreDeadLettersWithAReason(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "double.py", 1)
		sent := s.produce(t, `{"x":0}`, `{"x":`, `{"x":2}`, `{"z":1}`, `{"x":4}`, `{"x":"five"}`, `{"x":6}`, `[7]`, `{"x":8}`, "{\"x\":9,\"t\":\"a\nb\"}", "", "{\"x\":11,\"t\":\"\xff\"}")
		b.Produce(t, s.in, kafkatest.Record{Key: []byte("tombstone")})
		s.run(t)
		letters := s.deadLetters(t)
		for i, reason := range map[int]string{1: "undecodable", 3: "missing_field", 5: "wrong_type", 7: "undecodable", 10: "undecodable"} {
			l := letter(t, letters, sent[i])
			says(t, l, map[string]string{"pyudf.reason": reason, "pyudf.offset": strconv.Itoa(i), "pyudf.partition": "0", "pyudf.topic": s.in})
			if l.Header("pyudf.message") == "" {
				t.Errorf("%s: no message", sent[i].Value)
			}
		}
		results := values(t, s.results(t))
		for _, i := range []int{0, 2, 4, 6, 8} {
			if _, there := results[strconv.Itoa(i)]; !there {
				t.Errorf("record %d, beside a bad one, did not come out", i)
			}
		}
		if all := len(letters) + len(results); all != len(sent)+1 {
			t.Errorf("%d records came out or are dead, want %d", all, len(sent)+1)
		}
	})
}

func TestANullIsForTheParameterToTake(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "nulls.py", 1)
		sent := s.produce(t, `{"x":1.5}`, `{"x":null}`)
		s.run(t)
		for kind, want := range map[string][2]string{
			"null":     {`3`, `null`},
			"call":     {`"called with 1.5"`, `"called with None"`},
			"optional": {`"called with 1.5"`, `"called with None"`},
			"dlq":      {`3`, ``},
		} {
			got := values(t, b.ReadAll(t, s.out+"-"+kind))
			for i, y := range want {
				value := ""
				if y != "" {
					value = strings.TrimSuffix(string(sent[i].Value), "}") + `,"y":` + y + "}"
				}
				if compact([]byte(got[strconv.Itoa(i)])) != compact([]byte(value)) {
					t.Errorf("%s: record %d is %q, want %q", kind, i, got[strconv.Itoa(i)], value)
				}
			}
		}
		letters := s.deadLetters(t)
		if len(letters) != 1 {
			t.Fatalf("%d dead letters, want the one of on_null=\"dlq\"", len(letters))
		}
		says(t, letter(t, letters, sent[1]), map[string]string{"pyudf.reason": "null", "pyudf.function": "strict"})
	})
}

func TestNaNAndInfinitiesAreFloatsInTheFunctionAndNullInJSON(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "faults.py", 1)
		s.produce(t, `{"x":1,"do":"nan"}`, `{"x":2,"do":"inf"}`, `{"x":3,"do":"-inf"}`, `{"x":1e308}`)
		s.run(t)
		for key, value := range values(t, s.results(t)) {
			if !strings.HasSuffix(value, `,"y":null}`) {
				t.Errorf("record %s: %s", key, value)
			}
		}
		if letters := s.deadLetters(t); len(letters) > 0 || len(s.results(t)) != 4 {
			t.Errorf("%d dead letters and %d results, want 0 and 4", len(letters), len(s.results(t)))
		}
	})
}

func TestARecordThatKillsItsWorkerIsFoundAndTheOthersComeThrough(t *testing.T) {
	for _, does := range []string{"exit", "crash"} {
		t.Run(does, func(t *testing.T) {
			kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
				s := newStream(t, b, "faults.py", 1)
				sent := s.produce(t, neighbours(500, `{"x":500,"do":"`+does+`"}`)...)
				run := s.run(t, "--workers", "2")
				doubled(t, s.results(t), len(sent), 500)
				letters := s.deadLetters(t)
				if len(letters) != 1 {
					t.Fatalf("%d dead letters, want the one record", len(letters))
				}
				says(t, letter(t, letters, sent[500]), map[string]string{"pyudf.reason": "raised", "pyudf.exception": "WorkerDied", "pyudf.function": "act", "pyudf.offset": "500"})
				contains(t, "the log", run.err.String(), "a record kills workers")
			})
		})
	}
}

func TestAFunctionThatNeverReturnsIsCutOff(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "faults.py", 1)
		sent := s.produce(t, neighbours(8, `{"x":8,"do":"hang"}`)...)
		s.run(t)
		doubled(t, s.results(t), len(sent), 8)
		letters := s.deadLetters(t)
		if len(letters) != 1 {
			t.Fatalf("%d dead letters, want the one record", len(letters))
		}
		l := letter(t, letters, sent[8])
		says(t, l, map[string]string{"pyudf.exception": "Timeout", "pyudf.function": "act"})
		contains(t, "the message", l.Header("pyudf.message"), "timeout of 1s")
	})
}

func TestU12WhatAFunctionPrintsHarmsNothing(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "faults.py", 1)
		sent := s.produce(t, neighbours(3, `{"x":3,"do":"print"}`)...)
		run := s.run(t)
		if results := doubled(t, s.results(t), len(sent), 3); len(results) != len(sent) {
			t.Errorf("%d results, want %d", len(results), len(sent))
		}
		contains(t, "the log", run.err.String(), "aaaaaaaaaaaaaaaaaaaa", "straight to stdout", "the last words")
	})
}

func TestAHugeRecordIsNotLost(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "whole.py", 1)
		s.in = kafkatest.Name(t, "huge")
		b.CreateTopicWith(t, s.in, 1, map[string]string{"max.message.bytes": "20000000"})
		huge := `{"x":1,"text":"` + strings.Repeat("a", 5<<20) + `"}`
		sent := s.produce(t, `{"x":0}`, huge, `{"x":2}`)
		s.run(t)
		results, letters := values(t, s.results(t)), s.deadLetters(t)
		if results["0"] != `{"x":0}` || results["2"] != `{"x":2}` {
			t.Errorf("the neighbours came out as %q and %q", results["0"], results["2"])
		}
		if results["1"] == huge && len(letters) == 0 {
			return
		}
		if len(letters) != 1 || string(letters[0].Key) != "1" || results["1"] != "" {
			t.Fatalf("%d dead letters and a result of %d bytes", len(letters), len(results["1"]))
		}
		says(t, letters[0], map[string]string{"pyudf.reason": "rejected", "pyudf.offset": "1"})
		if string(letters[0].Value) != string(sent[1].Value) {
			contains(t, "the dead letter", letters[0].Header("pyudf.value_dropped"), strconv.Itoa(len(huge)))
		}
	})
}

func TestAFunctionSeesTheNumbersThatWereSent(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "whole.py", 1)
		sent := s.produce(t, `{"i":9223372036854775807,"f":0.1,"tiny":5e-324,"max":1.7976931348623157e308,"neg":-9223372036854775808}`)
		s.run(t)
		results := s.results(t)
		if len(results) != 1 {
			t.Fatalf("%d results, want 1", len(results))
		}
		want, got := numbers(t, sent[0].Value), numbers(t, results[0].Value)
		for name, number := range want {
			if math.Float64bits(got[name]) != math.Float64bits(number) {
				t.Errorf("%s is %v, want %v", name, got[name], number)
			}
		}
		contains(t, "the result", string(results[0].Value), "9223372036854775807", "-9223372036854775808")
	})
}

func numbers(t *testing.T, value []byte) map[string]float64 {
	t.Helper()
	var all map[string]float64
	if err := json.Unmarshal(value, &all); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return all
}
