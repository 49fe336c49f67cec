package file_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source/file"
)

// writeParquet writes rows {"n": 0, "text": "row 0 ..."} in several row groups.
func writeParquet(t *testing.T, rows int) string {
	t.Helper()
	type row struct {
		N    int64  `parquet:"n"`
		Text string `parquet:"text"`
	}
	path := filepath.Join(t.TempDir(), "rows.parquet")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	writer := parquet.NewGenericWriter[row](out, parquet.MaxRowsPerRowGroup(3000))
	for n := range rows {
		if _, err := writer.Write([]row{{int64(n), fmt.Sprintf("row %d %s", n, strings.Repeat("x", n%200))}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{writer.Close(), out.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// The file and what it must become are written by testdata/scalars.py, with pyarrow.
func TestEveryParquetTypeOfPyarrowIsReadUndamaged(t *testing.T) {
	want, err := os.ReadFile("testdata/scalars.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(want), "\n"), "\n")
	got := read(t, planOf("testdata/scalars.parquet"))
	if len(got) != len(lines) {
		t.Fatalf("%d rows, want %d", len(got), len(lines))
	}
	for i := range lines {
		if got[i] != lines[i] {
			t.Errorf("row %d:\ngot  %s\nwant %s", i, got[i], lines[i])
		}
	}
}

func TestADamagedParquetFileIsAnErrorAndNoPanic(t *testing.T) {
	whole, err := os.ReadFile("testdata/scalars.parquet")
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for at := 4; at < len(whole); at += 499 {
		damaged := slices.Clone(whole)
		damaged[at] ^= 0xff
		path := write(t, "damaged.parquet", string(damaged))
		opened, err := file.Open(t.Context(), planOf(path))
		if err != nil {
			failed++
			continue
		}
		for range 10 {
			event, err := opened.Poll(t.Context())
			if err != nil {
				failed++
			}
			if err != nil || event.Ended != nil {
				break
			}
		}
		if err := opened.Close(); err != nil {
			t.Errorf("damaged at %d: close: %v", at, err)
		}
	}
	if failed == 0 {
		t.Error("no damage was noticed")
	}
}

func TestParquetBatchesAreReadAsTheyAreAskedFor(t *testing.T) {
	path := writeParquet(t, 20_000)
	opened := open(t, planOf(path))
	for range 2 {
		if _, err := opened.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := opened.Release([]record.Partition{{Topic: path}}); err != nil {
		t.Fatal(err)
	}
	if err := opened.Close(); err != nil {
		t.Errorf("close in the middle: %v", err)
	}
}
