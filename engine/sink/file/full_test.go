package file

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// onFullDisk returns a sink whose file is /dev/full, where every write finds the disk full.
func onFullDisk(t *testing.T, format planv1.Format) *Sink {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full: %v", err)
	}
	path := filepath.Join(t.TempDir(), "out")
	s := &Sink{path: path, file: &partial{full, path}, writer: newLineWriter(full)}
	if format == planv1.Format_FORMAT_PARQUET {
		s.writer = newParquetWriter(full)
	}
	return s
}

func TestAFullDiskIsReportedAndTheFileGetsNoName(t *testing.T) {
	for _, format := range []planv1.Format{planv1.Format_FORMAT_JSON, planv1.Format_FORMAT_PARQUET} {
		s := onFullDisk(t, format)
		var messages record.Messages
		messages.Values.Append([]byte(`{"a":1}`))
		_, written := s.Write(t.Context(), &messages)
		flushed := s.Flush(t.Context())
		closed := s.Close()
		if err := errors.Join(written, flushed, closed); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk is full; free some space") {
			t.Errorf("%v: got %v", format, err)
		}
		if _, err := os.Lstat(s.path); err == nil {
			t.Errorf("%v: the file is there", format)
		}
	}
}

func TestAfterAnErrorNothingMoreIsTaken(t *testing.T) {
	s := onFullDisk(t, planv1.Format_FORMAT_JSON)
	var messages record.Messages
	messages.Values.Append(bytes.Repeat([]byte("x"), 1<<17))
	for range 2 {
		if _, err := s.Write(t.Context(), &messages); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("write: got %v", err)
		}
	}
	if err := s.Flush(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("flush: got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
