package csv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// maxRecord is the longest record.
	maxRecord = 16 << 20
	// maxQuoted is how far a quoted field may run over line ends. Beyond, its quote counts as a stray one, so that it
	// costs one line and not the rest of the file.
	maxQuoted = 1 << 20
)

// Reader finds the records of a CSV text. Create it with NewReader.
type Reader struct {
	lines    *bufio.Scanner
	splitter *splitter
}

// NewReader returns a reader of r's records.
func NewReader(r io.Reader) *Reader {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), maxRecord)
	split := &splitter{}
	lines.Split(split.next)
	return &Reader{lines, split}
}

// Next returns the next record as it stands, without its line end, or io.EOF. It is valid until the next call.
func (r *Reader) Next() ([]byte, error) {
	for r.lines.Scan() {
		if record := r.lines.Bytes(); len(record) > 0 {
			return record, nil
		}
	}
	if err := r.lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("a line is longer than %d MiB; is this a CSV file?", maxRecord>>20)
	} else if err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// Line returns the line that the record of the last call of Next starts on, the first being 1.
func (r *Reader) Line() int { return r.splitter.line }

// splitter is a bufio.SplitFunc that remembers where it is.
type splitter struct {
	begun bool
	// line is the one that the last record starts on, ended how many lines came before the next.
	line, ended int
}

func (s *splitter) next(data []byte, atEOF bool) (advance int, token []byte, err error) {
	advance, token, err = s.split(data, atEOF)
	if token != nil {
		s.line = s.ended + 1
		s.ended += bytes.Count(data[:advance], []byte("\n"))
	}
	return advance, token, err
}

func (s *splitter) split(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if !s.begun {
		return s.begin(data, atEOF)
	}
	if len(data) == 0 {
		return 0, nil, nil
	}
	end, quoted := recordEnd(data)
	if end < 0 && quoted && (atEOF || len(data) > maxQuoted) {
		end = bytes.IndexByte(data, '\n')
	}
	switch {
	case end >= 0:
		return end + 1, trimReturn(data[:end]), nil
	case atEOF:
		return len(data), trimReturn(data), nil
	default:
		return 0, nil, nil
	}
}

// begin skips a byte order mark.
func (s *splitter) begin(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if len(data) < 3 && !atEOF {
		return 0, nil, nil
	}
	s.begun = true
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return 0, nil, errors.New("the text is UTF-16; save it as UTF-8")
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return 3, nil, nil
	}
	return s.split(data, atEOF)
}

// recordEnd returns the index of the line end that ends the record which data begins with, -1 if there is none, and
// whether that is because a quoted field is open.
func recordEnd(data []byte) (end int, quoted bool) {
	for at := 0; ; {
		newline := bytes.IndexByte(data[at:], '\n')
		line := data[at:]
		if newline >= 0 {
			line = line[:newline]
		}
		if bytes.IndexByte(line, '"') >= 0 || quoted {
			quoted = openAfter(line, quoted)
		}
		if newline < 0 || !quoted {
			if newline >= 0 {
				newline += at
			}
			return newline, quoted
		}
		at += newline + 1
	}
}

// openAfter tells whether a quoted field is open at the end of a line.
func openAfter(line []byte, open bool) bool {
	start := !open // at the start of a field
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case open && c == '"' && i+1 < len(line) && line[i+1] == '"':
			i++
		case open && c == '"':
			open = false
		case open:
		case c == '"' && start:
			open, start = true, false
		default:
			start = c == ','
		}
	}
	return open
}

func trimReturn(line []byte) []byte { return bytes.TrimSuffix(line, []byte("\r")) }

// fields are the fields of a record.
type fields struct {
	values [][]byte
	// plain holds quoted fields without their quotes.
	plain []byte
}

var (
	errOpenQuote  = errors.New("a quoted field has no closing quote")
	errAfterQuote = errors.New("text follows the closing quote of a field")
)

// split finds the fields of a record. They are valid until the next call, and as long as the record is.
func (f *fields) split(record []byte) error {
	f.values, f.plain = f.values[:0], f.plain[:0]
	for {
		if len(record) > 0 && record[0] == '"' {
			rest, err := f.quoted(record[1:])
			if err != nil {
				return err
			}
			if len(rest) == 0 {
				return nil
			}
			record = rest[1:]
			continue
		}
		comma := bytes.IndexByte(record, ',')
		if comma < 0 {
			f.values = append(f.values, record)
			return nil
		}
		f.values = append(f.values, record[:comma])
		record = record[comma+1:]
	}
}

// quoted reads a field after its opening quote and returns what follows it: nothing, or a comma and the next field.
func (f *fields) quoted(text []byte) (rest []byte, err error) {
	// Earlier fields keep pointing into the old array if the buffer grows, which is fine: they do not change any more.
	start := len(f.plain)
	for {
		quote := bytes.IndexByte(text, '"')
		if quote < 0 {
			return nil, errOpenQuote
		}
		f.plain = append(f.plain, text[:quote]...)
		text = text[quote+1:]
		if len(text) == 0 || text[0] != '"' {
			break
		}
		f.plain = append(f.plain, '"')
		text = text[1:]
	}
	if len(text) > 0 && text[0] != ',' {
		return nil, errAfterQuote
	}
	f.values = append(f.values, f.plain[start:])
	return text, nil
}
