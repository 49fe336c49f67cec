package file

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
)

// lineWriter writes JSON lines.
type lineWriter struct {
	out   *bufio.Writer
	plain bytes.Buffer
}

func newLineWriter(out io.Writer) *lineWriter {
	return &lineWriter{out: bufio.NewWriterSize(out, 1<<16)}
}

func (w *lineWriter) write(value []byte) error {
	if bytes.IndexByte(value, '\n') >= 0 {
		w.plain.Reset()
		if err := json.Compact(&w.plain, value); err != nil {
			return unfit("the value has several lines and is no JSON (%v), which JSON lines have no place for", err)
		}
		value = w.plain.Bytes()
	}
	if _, err := w.out.Write(value); err != nil {
		return err
	}
	return w.out.WriteByte('\n')
}

func (w *lineWriter) flush() error { return w.out.Flush() }

func (w *lineWriter) finish() error { return w.out.Flush() }
