package codec

import (
	"bytes"
	"errors"

	"github.com/pyudf/pyudf/engine/record"
)

// Failure is a row that cannot be used, and why.
type Failure struct {
	Row int
	Err error
}

// Texts are JSON objects and the places of some of their fields. It is immutable.
type Texts struct {
	names  []string
	values *record.Arena
	spans  []span // a row's spans stand together, in the order of names
	// closing is the position of each object's closing brace; 0 if the text is no object.
	closing []int32
	// known are fields that the texts do not have, and that need no decoding.
	known []record.Known
}

// Know adds fields that the texts do not have. Column gives them as it would decode their JSON; nothing else knows them.
func (t *Texts) Know(fields []record.Known) { t.known = fields }

var errTombstone = errors.New("the value is null (a tombstone), a JSON object is needed")

// Scan checks that each value is a JSON object and finds the named fields. Failures are the rows that are none;
// nothing else may be asked of those rows.
func Scan(values *record.Arena, names []string) (*Texts, []Failure) {
	rows := values.Len()
	t := &Texts{names: names, values: values, spans: make([]span, rows*len(names)), closing: make([]int32, rows)}
	s := scanner{names: names}
	var failures []Failure
	for row := range rows {
		closing, err := 0, errTombstone
		if !values.IsNull(row) {
			closing, err = s.scan(values.At(row), t.row(row))
		}
		if err != nil {
			failures = append(failures, Failure{row, err})
			continue
		}
		t.closing[row] = int32(closing)
	}
	return t, failures
}

// Bare returns texts that are all {}, without a look at them.
func Bare(values *record.Arena, names []string) *Texts {
	rows := values.Len()
	t := &Texts{names: names, values: values, spans: make([]span, rows*len(names)), closing: make([]int32, rows)}
	for row := range t.closing {
		t.closing[row] = 1
	}
	return t
}

// Values returns the texts of all rows.
func (t *Texts) Values() *record.Arena { return t.values }

// Value returns the JSON object of a row.
func (t *Texts) Value(row int) []byte { return t.values.At(row) }

// Raw returns the JSON text of a field, nil if the row has none. REQUIRES: the name was scanned for.
func (t *Texts) Raw(row int, name string) []byte {
	at := t.row(row)[t.index(name)]
	if at.missing() {
		return nil
	}
	return t.values.At(row)[at.start:at.end]
}

// Has tells whether a field was scanned for.
func (t *Texts) Has(name string) bool { return t.index(name) >= 0 }

func (t *Texts) index(name string) int {
	for i, known := range t.names {
		if known == name {
			return i
		}
	}
	return -1
}

func (t *Texts) row(row int) []span {
	n := len(t.names)
	return t.spans[row*n : row*n+n : row*n+n]
}

// AppendWith appends the object of a row with more members, which are written as `,"name":value`.
// REQUIRES: the row has none of them.
func (t *Texts) AppendWith(dst []byte, row int, members []byte) []byte {
	text := t.values.At(row)
	head := text[:t.closing[row]]
	dst = append(dst, head...)
	if len(members) > 0 && len(bytes.TrimSpace(head)) == 1 {
		members = members[1:]
	}
	dst = append(dst, members...)
	return append(dst, text[t.closing[row]:]...)
}

// EachMember calls visit with the name (valid until the next call) and the raw text of each member of a row's object,
// in order.
func (t *Texts) EachMember(row int, visit func(name string, raw []byte)) {
	s := scanner{text: t.values.At(row)}
	s.space()
	s.pos++
	for s.space(); !s.at('}'); s.space() {
		s.at(',')
		s.space()
		name, err := s.name()
		if err != nil {
			return // unreachable: Scan accepted the text
		}
		value := s.pos
		if err := s.value(1); err != nil {
			return
		}
		visit(view(name), s.text[value:s.pos])
	}
}

// Elements returns the raw texts of the elements of a JSON array. REQUIRES: it is one.
func Elements(array []byte) [][]byte {
	var out [][]byte
	s := scanner{text: array}
	s.space()
	s.pos++
	for s.space(); !s.at(']'); s.space() {
		s.at(',')
		s.space()
		value := s.pos
		if err := s.value(1); err != nil {
			return out
		}
		out = append(out, s.text[value:s.pos])
	}
	return out
}
