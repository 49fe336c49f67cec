package table

import (
	"fmt"
	"io"
	"strings"
)

// Row is a record of a file.
type Row struct {
	// Line is the line that it starts on, the first being 1.
	Line int
	// Value is a JSON text. It is valid until the next row is read.
	Value []byte
	// Key is the text of the key field; nil if it is null or no key was asked for.
	Key []byte
	// Time is the event time in ms since the epoch; NoTime if it is null or none was asked for.
	Time int64
}

// NoTime is the time of a row that has none.
const NoTime = -1

// Reader reads the rows of a file, one after the other.
type Reader interface {
	// Next returns io.EOF after the last row and a *LineError for a row that cannot be read.
	Next() (Row, error)
}

// Fields names the fields with a meaning of their own; empty names none.
type Fields struct {
	Key  string
	Time string
}

// LineError is a line that the user has to mend.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// Format is the format of a file.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	JSON Format = "json"
)

// FormatOf returns the format of the file called name, or the one that was asked for if any was.
func FormatOf(name, asked string) (Format, error) {
	switch asked {
	case "csv", "json":
		return Format(asked), nil
	case "":
	default:
		return "", fmt.Errorf("--format %s: write csv or json", asked)
	}
	lower := strings.ToLower(name)
	for suffix, format := range map[string]Format{".csv": CSV, ".jsonl": JSON, ".ndjson": JSON, ".json": JSON} {
		if strings.HasSuffix(lower, suffix) {
			return format, nil
		}
	}
	return "", fmt.Errorf("%s does not say by its name what it holds: add --format csv, or --format json for a JSON object on each line", name)
}

// Open returns a reader of file. A CSV is read twice: its columns are typed by all that stands in them, so a fault in
// its form comes from Open, before any row.
func Open(file io.ReadSeeker, format Format, fields Fields, nulls []string) (Reader, error) {
	if format == JSON {
		return newLines(file, fields), nil
	}
	return openCSV(file, fields, nulls)
}
