package file_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/file"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
	sourcefile "github.com/pyudf/pyudf/engine/source/file"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

const (
	lines   = planv1.Format_FORMAT_JSON
	parquet = planv1.Format_FORMAT_PARQUET
)

func create(t *testing.T, path string, format planv1.Format) sink.Sink {
	t.Helper()
	created, err := file.Create(path, format)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = created.Close() })
	return created
}

// readBack reads a file through the file source.
func readBack(t *testing.T, path string, format planv1.Format) []string {
	t.Helper()
	opened, err := sourcefile.Open(t.Context(), &planv1.Source{
		Kind: &planv1.Source_File{File: &planv1.File{Path: path, Format: format}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = opened.Close() }()
	return sourcetest.Values(sourcetest.Drain(t, opened))[record.Partition{Topic: path}]
}

// put writes values and returns what is rejected.
func put(t *testing.T, s sink.Sink, values ...string) []sink.Rejected {
	t.Helper()
	rejected, err := s.Write(t.Context(), sinktest.Messages(values...))
	if err != nil {
		t.Fatal(err)
	}
	return rejected
}

func finish(t *testing.T, s sink.Sink) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEveryFormatKeepsThePromisesOfASink(t *testing.T) {
	for _, format := range []planv1.Format{lines, parquet} {
		t.Run(format.String(), func(t *testing.T) {
			sinktest.Suite(t, func(t *testing.T) sinktest.Opened {
				path := filepath.Join(t.TempDir(), "out")
				return sinktest.Opened{
					Sink:      create(t, path, format),
					Delivered: func(t *testing.T) []string { return readBack(t, path, format) },
				}
			})
		})
	}
}

func TestJSONLinesAreTheValuesAsTheyAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	s := create(t, path, lines)
	rejected := put(t, s, `{"a": 1.50, "b":9007199254740993}`, "{\n  \"a\": 1.50\n}", "not json", "two\nlines", "")
	finish(t, s)
	if len(rejected) != 1 || rejected[0].Index != 3 || !strings.Contains(rejected[0].Err.Error(), "the value has several lines and is no JSON") {
		t.Errorf("rejected %v", rejected)
	}
	got, err := os.ReadFile(path)
	if want := "{\"a\": 1.50, \"b\":9007199254740993}\n{\"a\":1.50}\nnot json\n\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestATombstoneIsRejectedAndItsNeighboursAreNot(t *testing.T) {
	for _, format := range []planv1.Format{lines, parquet} {
		path := filepath.Join(t.TempDir(), "out")
		s := create(t, path, format)
		messages := &record.Messages{}
		for _, value := range [][]byte{[]byte(`{"a":1}`), nil, []byte(`{"a":2}`)} {
			messages.Values.Append(value)
		}
		rejected, err := s.Write(t.Context(), messages)
		if err != nil || len(rejected) != 1 || rejected[0].Index != 1 || !strings.Contains(rejected[0].Err.Error(), "tombstone") {
			t.Errorf("%v: rejected %v, %v", format, rejected, err)
		}
		finish(t, s)
		if got := readBack(t, path, format); !slices.Equal(got, []string{`{"a":1}`, `{"a":2}`}) {
			t.Errorf("%v: got %q", format, got)
		}
	}
}

func TestParquetColumnsAreInferredFromTheFirstRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.parquet")
	s := create(t, path, parquet)
	rejected := put(t, s,
		`{"z":1,"f":1,"b":true,"s":"caf\u00e9 \"x\"","o":{"x": [1]},"mixed":1,"none":null,"big":9007199254740993,"huge":1,"a b":"A","n.1":2}`,
		`{"f":0.1,"b":null,"s":"","mixed":"one","big":-9223372036854775808,"huge":123456789012345678901234567890,"z":2,"z":3}`,
		`{}`,
		`{"mixed":true,"late":"x","\u0061 b":"B","huge":1e400}`,
	)
	finish(t, s)
	if len(rejected) > 0 {
		t.Errorf("rejected %v", rejected)
	}
	want := []string{
		`{"z":1,"f":1.0,"b":true,"s":"café \"x\"","o":"{\"x\": [1]}","mixed":"1","none":null,"big":9007199254740993,"huge":"1","a b":"A","n.1":2,"late":null}`,
		`{"z":3,"f":0.1,"b":null,"s":"","o":null,"mixed":"\"one\"","none":null,"big":-9223372036854775808,"huge":"123456789012345678901234567890","a b":null,"n.1":null,"late":null}`,
		`{"z":null,"f":null,"b":null,"s":null,"o":null,"mixed":null,"none":null,"big":null,"huge":null,"a b":null,"n.1":null,"late":null}`,
		`{"z":null,"f":null,"b":null,"s":null,"o":null,"mixed":"true","none":null,"big":null,"huge":"1e400","a b":"B","n.1":null,"late":"x"}`,
	}
	got := readBack(t, path, parquet)
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("row %d:\ngot  %s\nwant %s", i, got[i], want[i])
		}
	}
}

func TestALaterRowThatDoesNotFitIsRejectedAlone(t *testing.T) {
	const sample = 100_000
	path := filepath.Join(t.TempDir(), "out.parquet")
	s := create(t, path, parquet)
	first := make([]string, sample)
	for n := range first {
		first[n] = fmt.Sprintf(`{"n":%d,"f":0.5,"s":"x","none":null}`, n)
	}
	put(t, s, first...)
	later := []string{
		`{"n":1,"f":2,"s":null}`,
		`{"n":1.5}`,
		`{"n":"1"}`,
		`{"s":1}`,
		`{"new":1}`,
		`[1]`,
		`{"none":{"any":"thing"}}`,
	}
	wanted := map[int]string{
		1: `the field "n" is double here and int64 in the file, which the first 100000 rows decided`,
		2: `the field "n" is string here and int64`, 3: `the field "s" is int64 here and string`,
		4: `the field "new" is none of the file's columns`, 5: "a JSON object is needed",
	}
	for _, rejected := range put(t, s, later...) {
		if want, ok := wanted[rejected.Index]; !ok || !strings.Contains(rejected.Err.Error(), want) {
			t.Errorf("value %d was rejected: %v, want %q", rejected.Index, rejected.Err, want)
		}
		delete(wanted, rejected.Index)
	}
	if len(wanted) > 0 {
		t.Errorf("not rejected: %v", wanted)
	}
	finish(t, s)
	got := readBack(t, path, parquet)
	want := []string{`{"n":1,"f":2.0,"s":null,"none":null}`, `{"n":null,"f":null,"s":null,"none":"{\"any\":\"thing\"}"}`}
	if len(got) != sample+2 || !slices.Equal(got[sample:], want) || got[sample-1] != `{"n":99999,"f":0.5,"s":"x","none":null}` {
		t.Errorf("%d rows, the last %q", len(got), got[max(0, len(got)-3):])
	}
}

func TestReadersNeverSeeHalfAFile(t *testing.T) {
	for _, format := range []planv1.Format{lines, parquet} {
		path := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		whole := func() bool {
			got, err := os.ReadFile(path)
			return err == nil && string(got) == "before"
		}
		s := create(t, path, format)
		put(t, s, `{"a":1}`)
		if err := s.Flush(t.Context()); err != nil || !whole() {
			t.Errorf("%v: after a flush (%v) the file is not as before", format, err)
		}
		put(t, s, `{"a":2}`)
		if err := s.Close(); err != nil || !whole() {
			t.Errorf("%v: after a close with unflushed messages (%v) the file is not as before", format, err)
		}
		s = create(t, path, format)
		if err := s.Close(); err != nil || !whole() {
			t.Errorf("%v: after a run that wrote nothing and never flushed (%v) the file is not as before", format, err)
		}
		s = create(t, path, format)
		put(t, s, `{"a":3}`)
		finish(t, s)
		if got := readBack(t, path, format); !slices.Equal(got, []string{`{"a":3}`}) {
			t.Errorf("%v: the complete file has %q", format, got)
		}
		if _, err := os.Lstat(path + ".partial"); err == nil {
			t.Errorf("%v: the partial file is still there", format)
		}
	}
}

func TestWhatAKilledRunLeftIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	for n := range 3 {
		s := create(t, path, lines)
		put(t, s, strconv.Itoa(n))
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{".partial-1": "0\n", ".partial-2": "1\n", ".partial": "2\n"} {
		if got, err := os.ReadFile(path + name); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestWhereNothingCanBeWrittenCreateSaysSo(t *testing.T) {
	directory := t.TempDir()
	for _, test := range []struct {
		path   string
		format planv1.Format
		want   string
	}{
		{filepath.Join(directory, "missing", "out.jsonl"), lines, "there is no such directory; create it first"},
		{directory, lines, "there is something of that name that is no file"},
		{filepath.Join(directory, "out.csv"), planv1.Format_FORMAT_CSV, "files are written as JSON lines or Parquet"},
		{filepath.Join(directory, "out"), planv1.Format_FORMAT_UNSPECIFIED, "files are written as JSON lines or Parquet"},
	} {
		if _, err := file.Create(test.path, test.format); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.path, err, test.want)
		}
	}
}

func TestADirectoryThatMayNotBeWrittenSaysSo(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "locked")
	if err := os.Mkdir(directory, 0o500); err != nil {
		t.Fatal(err)
	}
	if probe, err := os.Create(filepath.Join(directory, "probe")); err == nil {
		_ = probe.Close()
		t.Skip("this user may write everywhere")
	}
	if _, err := file.Create(filepath.Join(directory, "out"), lines); err == nil || !strings.Contains(err.Error(), "this user may not write there") {
		t.Errorf("got %v", err)
	}
}

func TestAClosedFileTakesNothing(t *testing.T) {
	s := create(t, filepath.Join(t.TempDir(), "out"), lines)
	finish(t, s)
	if _, err := s.Write(t.Context(), sinktest.Messages("{}")); err == nil || !strings.Contains(err.Error(), "the file is closed") {
		t.Errorf("write: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestEveryPyarrowTypeSurvivesTheWayThroughBothFiles(t *testing.T) {
	values := readBack(t, "../../source/file/testdata/scalars.parquet", parquet)
	path := filepath.Join(t.TempDir(), "out.jsonl")
	s := create(t, path, lines)
	put(t, s, values...)
	finish(t, s)
	if got := readBack(t, path, lines); !slices.Equal(got, values) {
		t.Errorf("got  %q\nwant %q", got, values)
	}
}
