package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/file"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// write puts a file into a directory of the test's own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func planOf(path string) *planv1.Source {
	return &planv1.Source{Kind: &planv1.Source_File{File: &planv1.File{Path: path}}}
}

func open(t *testing.T, plan *planv1.Source) source.Source {
	t.Helper()
	opened, err := file.Open(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// read returns the values of all records.
func read(t *testing.T, plan *planv1.Source) []string {
	t.Helper()
	return sourcetest.Values(sourcetest.Drain(t, open(t, plan)))[record.Partition{Topic: plan.GetFile().GetPath()}]
}

func TestEveryFormatKeepsThePromisesOfABoundedSource(t *testing.T) {
	const rows = 20_000
	var csv, lines strings.Builder
	csv.WriteString("n,text\n")
	values := make([]string, rows)
	for n := range rows {
		values[n] = fmt.Sprintf(`{"n":%d,"text":"row %d %s"}`, n, n, strings.Repeat("x", n%200))
		fmt.Fprintln(&lines, values[n])
		fmt.Fprintf(&csv, "%d,row %d %s\n", n, n, strings.Repeat("x", n%200))
	}
	for name, path := range map[string]string{
		"CSV":        write(t, "rows.csv", csv.String()),
		"JSON lines": write(t, "rows.jsonl", lines.String()),
		"Parquet":    writeParquet(t, rows),
	} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Suite(t, func(t *testing.T) sourcetest.Opened {
				return sourcetest.Opened{
					Source: open(t, planOf(path)),
					Values: map[record.Partition][]string{{Topic: path}: values},
					Fourth: 3,
				}
			})
		})
	}
}

func TestBatchesAreBounded(t *testing.T) {
	long := fmt.Sprintf("{\"x\":%q}\n", strings.Repeat("y", 10_000))
	for name, text := range map[string]string{
		"by rows":  strings.Repeat("{}\n", 30_000),
		"by bytes": strings.Repeat(long, 500),
	} {
		t.Run(name, func(t *testing.T) {
			batches := 0
			for _, event := range sourcetest.Drain(t, open(t, planOf(write(t, "x.jsonl", text)))) {
				if event.Records == nil {
					continue
				}
				batches++
				if event.Records.Len() > 8192 || event.Records.Size() > 1<<20+len(long) {
					t.Errorf("a batch has %d rows of %d bytes", event.Records.Len(), event.Records.Size())
				}
			}
			if batches < 3 {
				t.Errorf("got %d batches, want the rows in several", batches)
			}
		})
	}
}

func TestCSVRowsBecomeObjects(t *testing.T) {
	plan := planOf(write(t, "x.csv", "\ufeffstation,temp_f,ok,zip\r\nEWR,39.02,true,007\r\n\r\nJFK,NA,,12\r\n\"two\nlines\",1e3,false,\r\n"))
	want := []string{
		`{"station":"EWR","temp_f":39.02,"ok":true,"zip":"007"}`,
		`{"station":"JFK","temp_f":null,"ok":null,"zip":"12"}`,
		`{"station":"two\nlines","temp_f":1e3,"ok":false,"zip":null}`,
	}
	if got := read(t, plan); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	plan.Schema = []*planv1.Field{{Name: "zip", Type: planv1.Type_TYPE_INT64}, {Name: "temp_f", Type: planv1.Type_TYPE_STRING}}
	want[0] = `{"station":"EWR","temp_f":"39.02","ok":true,"zip":7}`
	if got := read(t, plan); got[0] != want[0] {
		t.Errorf("with a schema: got %s, want %s", got[0], want[0])
	}
}

func TestADamagedCSVLineIsHandedOverAsItStands(t *testing.T) {
	got := read(t, planOf(write(t, "x.csv", "a,b\n1,2\n3\n4,5,6\ncaf\xe9,7\n8,9\n")))
	want := []string{`{"a":1,"b":2}`, "3", "4,5,6", "caf\xe9,7", `{"a":8,"b":9}`}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestJSONLinesPassAsTheyStand(t *testing.T) {
	got := read(t, planOf(write(t, "x.jsonl", "\ufeff{\"a\": 1.50}\r\n\n  \n not json\n{\"b\":9007199254740993}")))
	want := []string{`{"a": 1.50}`, " not json", `{"b":9007199254740993}`}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAFileWithoutRowsEndsAtOnce(t *testing.T) {
	for name, path := range map[string]string{
		"a header only":      write(t, "x.csv", "a,b\n"),
		"an empty file":      write(t, "x.jsonl", ""),
		"Parquet of no rows": writeParquet(t, 0),
	} {
		if got := read(t, planOf(path)); len(got) != 0 {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestWhatCannotBeReadIsRefusedWithASentence(t *testing.T) {
	directory := t.TempDir()
	list := write(t, "list.json", `[{"a":1}]`)
	format := planOf(list)
	format.GetFile().Format = planv1.Format_FORMAT_PARQUET
	for _, test := range []struct {
		plan *planv1.Source
		want string
	}{
		{planOf(""), "names no file"},
		{planOf(filepath.Join(directory, "missing.csv")), "missing.csv: there is no such file"},
		{planOf(write(t, "data", "")), `say format="csv", "json" or "parquet"`},
		{planOf(write(t, "empty.csv", "")), "it is empty; the first line of a CSV file names its columns"},
		{planOf(write(t, "wide.csv", "\xff\xfea\x00")), "UTF-16"},
		{planOf(write(t, "wide.jsonl", "\xff\xfe{\x00")), "UTF-16"},
		{planOf(write(t, "twice.csv", "a,a\n")), `two of its columns are called "a"`},
		{planOf(list), "it holds one JSON list; write one object a line"},
		{planOf(write(t, "empty.parquet", "")), "it is empty, which no Parquet file is"},
		{planOf(write(t, "text.parquet", "hello, world, this is text")), "no Parquet file, or it is damaged"},
		{format, "no Parquet file, or it is damaged"},
	} {
		opened, err := file.Open(t.Context(), test.plan)
		if err == nil {
			t.Errorf("%s was opened", test.plan.GetFile().GetPath())
			_ = opened.Close()
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.plan.GetFile().GetPath(), err, test.want)
		}
	}
	folder := planOf(directory)
	folder.GetFile().Format = planv1.Format_FORMAT_CSV
	if _, err := file.Open(t.Context(), folder); err == nil || !strings.Contains(err.Error(), "it is a directory") {
		t.Errorf("a directory: got %v", err)
	}
}

func TestAFileThatMayNotBeReadSaysSo(t *testing.T) {
	path := write(t, "x.csv", "a\n1\n")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if readable, err := os.Open(path); err == nil {
		_ = readable.Close()
		t.Skip("this user may read every file")
	}
	if _, err := file.Open(t.Context(), planOf(path)); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("got %v", err)
	}
}

func TestKeysAndTimesComeFromFields(t *testing.T) {
	lines := []string{
		`{"k":"EWR","t":"2013-01-01T06:00:00Z"}`,
		`{"k":"caf\u00e9 \"x\"","t":1357020000}`,
		`{"k":17,"t":1357020000250}`,
		`{"k":null,"t":null}`,
		`{"other":1}`,
		`not json`,
		`{"k":1.50,"t":"soon"}`,
		`{"k":{"a": 1},"t":"1357020000"}`,
		`{"k":"","t":true}`,
	}
	plan := planOf(write(t, "x.jsonl", strings.Join(lines, "\n")))
	plan.Key, plan.Time = "k", &planv1.EventTime{Field: "t"}
	batch := sourcetest.Drain(t, open(t, plan))[1].Records
	wantKeys := []any{"EWR", "caf\u00e9 \"x\"", "17", nil, nil, nil, "1.50", `{"a": 1}`, ""}
	wantTimes := []int64{1357020000000, 1357020000000, 1357020000250, -1, -1, -1, -1, 1357020000000, -1}
	for i, want := range wantKeys {
		var got any
		if key := batch.Keys.At(i); key != nil {
			got = string(key)
		}
		if got != want {
			t.Errorf("row %d: key %v, want %v", i, got, want)
		}
	}
	if !slices.Equal(batch.Times, wantTimes) {
		t.Errorf("times %v, want %v", batch.Times, wantTimes)
	}
}

func TestWithoutFieldsThereAreNoKeysAndTimes(t *testing.T) {
	batch := sourcetest.Drain(t, open(t, planOf(write(t, "x.jsonl", "{\"k\":1}\n"))))[1].Records
	if !batch.Keys.IsNull(0) || batch.Times[0] != -1 {
		t.Errorf("key %q, time %d", batch.Keys.At(0), batch.Times[0])
	}
}

func TestCloseWhilePollWaitsIsFine(t *testing.T) {
	opened := open(t, planOf(write(t, "x.jsonl", "{}\n")))
	sourcetest.Drain(t, opened)
	ctx, cancel := context.WithCancel(t.Context())
	polled := make(chan error)
	go func() {
		_, err := opened.Poll(ctx)
		polled <- err
	}()
	for range 2 {
		if err := opened.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	cancel()
	if err := <-polled; !errors.Is(err, context.Canceled) {
		t.Errorf("poll returned %v, want %v", err, context.Canceled)
	}
}

func TestAFileIsAnotherOneIfItsSizeOrOneOfItsEndsIs(t *testing.T) {
	long := strings.Repeat("{\"x\":1}\n", 50_000)
	identity := func(text string) string {
		identifier, ok := open(t, planOf(write(t, "x.jsonl", text))).(source.Identifier)
		if !ok {
			t.Fatal("a file does not say what tells it from others")
		}
		return identifier.Identity()
	}
	same := identity(long)
	if again := identity(long); again != same {
		t.Errorf("a copy is %s, and was %s", again, same)
	}
	for name, other := range map[string]string{
		"longer":            long + "\n",
		"shorter":           long[:len(long)-8],
		"another beginning": `{"y"` + long[4:],
		"another end":       long[:len(long)-8] + "{\"x\":2}\n",
		"empty":             "",
	} {
		if identity(other) == same {
			t.Errorf("%s: it counts as the same", name)
		}
	}
}
