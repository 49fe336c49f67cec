package file

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pyudf/pyudf/engine/codec/csv"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// open returns the rows of a file, and what tells it from others.
func open(path string, s *planv1.Source) (opened rows, identity string, err error) {
	if path == "" {
		return nil, "", errors.New("the plan names no file")
	}
	format, err := formatOf(path, s.GetFile().GetFormat())
	if err != nil {
		return nil, "", err
	}
	file, err := openRegular(path)
	if err != nil {
		return nil, "", err
	}
	if identity, err = identify(file); err == nil {
		opened, err = openAs(format, file, s)
	}
	if err != nil {
		return nil, "", errors.Join(err, file.Close())
	}
	return opened, identity, nil
}

func openAs(format planv1.Format, file *os.File, s *planv1.Source) (rows, error) {
	switch format {
	case planv1.Format_FORMAT_CSV:
		return openCSV(file, s.GetSchema())
	case planv1.Format_FORMAT_PARQUET:
		return openParquet(file)
	default:
		return openLines(file)
	}
}

// looked is how many bytes of each end of a file are looked at to tell it from others: all of it may take minutes.
const looked = 64 << 10

// identify returns a file's size and a hash of its two ends.
func identify(file *os.File) (string, error) {
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, from := range []int64{0, max(0, info.Size()-looked)} {
		if _, err := io.Copy(hash, io.NewSectionReader(file, from, looked)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d bytes, %x", info.Size(), hash.Sum(nil)), nil
}

// formatOf returns the format that the plan names, else the one that the file's name ends on.
func formatOf(path string, format planv1.Format) (planv1.Format, error) {
	if format != planv1.Format_FORMAT_UNSPECIFIED {
		return format, nil
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		return planv1.Format_FORMAT_CSV, nil
	case ".json", ".jsonl", ".ndjson":
		return planv1.Format_FORMAT_JSON, nil
	case ".parquet", ".pq":
		return planv1.Format_FORMAT_PARQUET, nil
	default:
		return format, errors.New(`its name does not tell its format; say format="csv", "json" or "parquet"`)
	}
}

func openRegular(path string) (*os.File, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file")
	case errors.Is(err, fs.ErrPermission):
		return nil, errors.New("permission denied; may this user read it?")
	case err != nil:
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if !info.Mode().IsRegular() {
		kind := "no regular file"
		if info.IsDir() {
			kind = "a directory"
		}
		return nil, errors.Join(fmt.Errorf("it is %s; name a file", kind), file.Close())
	}
	return file, nil
}

// csvRows reads a CSV file.
type csvRows struct {
	*os.File
	reader    *csv.Reader
	converter *csv.Converter
}

func openCSV(file *os.File, declared []*planv1.Field) (rows, error) {
	schema, err := csv.Header(csv.NewReader(file))
	if err != nil {
		return nil, err
	}
	types := map[string]record.Type{}
	for _, field := range declared {
		types[field.GetName()] = record.Type(field.GetType())
	}
	if !declare(schema, types) {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		if schema, err = csv.Infer(file); err != nil {
			return nil, err
		}
		declare(schema, types)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	opened := &csvRows{file, csv.NewReader(file), csv.NewConverter(schema)}
	_, err = csv.Header(opened.reader)
	return opened, err
}

// declare sets the types that the user declared, and tells whether those are all.
func declare(schema *csv.Schema, types map[string]record.Type) bool {
	all := true
	for i, column := range schema.Columns {
		if typ := types[column.Name]; typ != record.Unknown {
			schema.Columns[i].Type = typ
		} else {
			all = false
		}
	}
	return all
}

func (r *csvRows) append(dst []byte) ([]byte, error) {
	line, err := r.reader.Next()
	if err != nil {
		return dst, err
	}
	value, err := r.converter.Line(dst, line)
	if err != nil {
		// The line itself is no JSON object: the codec makes it a dead letter that shows what stands in the file.
		return append(dst, line...), nil //nolint:nilerr // see above
	}
	return value, nil
}

// maxLine is the longest line of a JSON lines file.
const maxLine = 64 << 20

// lineRows reads a file of JSON objects, one a line.
type lineRows struct {
	*os.File
	lines *bufio.Scanner
}

func openLines(file *os.File) (rows, error) {
	buffered := bufio.NewReaderSize(file, 1<<16)
	start, err := buffered.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) {
		return nil, errors.New("the text is UTF-16; save it as UTF-8")
	}
	if bytes.HasPrefix(start, []byte("\ufeff")) {
		start = start[3:]
		if _, err := buffered.Discard(3); err != nil {
			return nil, err
		}
	}
	if bytes.HasPrefix(bytes.TrimSpace(start), []byte("[")) {
		return nil, errors.New("it holds one JSON list; write one object a line, as pandas does with df.to_json(path, orient=\"records\", lines=True)")
	}
	lines := bufio.NewScanner(buffered)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	return &lineRows{file, lines}, nil
}

func (r *lineRows) append(dst []byte) ([]byte, error) {
	for r.lines.Scan() {
		if line := r.lines.Bytes(); len(bytes.TrimSpace(line)) > 0 {
			return append(dst, line...), nil
		}
	}
	if err := r.lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return dst, fmt.Errorf("the next line is longer than %d MiB; is this a file of JSON objects, one a line?", maxLine>>20)
	} else if err != nil {
		return dst, err
	}
	return dst, io.EOF
}
