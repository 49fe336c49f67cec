package bounded

import (
	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/eventtime"
	"github.com/pyudf/pyudf/engine/record"
)

// Fields are the fields that give the records their keys and event times; empty: they have none.
type Fields struct{ Key, Time string }

// Fill sets the keys and times of a batch from its values. A record without the field, and one that is no object, has none.
func (f Fields) Fill(batch *record.Batch) {
	rows := batch.Len()
	batch.Times = make([]int64, rows)
	for i := range batch.Times {
		batch.Times[i] = -1
	}
	batch.Keys = record.Arena{}
	if rows == 0 {
		return
	}
	var texts [][]byte
	var names []string
	for _, name := range []string{f.Key, f.Time} {
		if name != "" {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		found := scan(&batch.Values, names)
		if f.Key != "" {
			texts = found.texts(f.Key)
		}
		if f.Time != "" {
			fillTimes(batch.Times, found.texts(f.Time))
		}
	}
	batch.Keys.Grow(rows, 0)
	for i := range rows {
		if texts == nil {
			batch.Keys.Append(nil)
		} else {
			batch.Keys.Append(texts[i])
		}
	}
}

func fillTimes(times []int64, texts [][]byte) {
	for i, text := range texts {
		if text == nil {
			continue
		}
		if at, err := eventtime.Millis(text); err == nil {
			times[i] = at
		}
	}
}

// scanned is a batch's values with the places of some fields.
type scanned struct {
	*codec.Texts
	rows int
	bad  map[int]bool
}

func scan(values *record.Arena, names []string) scanned {
	found, failures := codec.Scan(values, names)
	s := scanned{found, values.Len(), map[int]bool{}}
	for _, failure := range failures {
		s.bad[failure.Row] = true
	}
	return s
}

// texts returns a field's text in each row: what a string says, the digits of a number, other values as JSON. Rows
// where it is missing or null have nil.
func (s scanned) texts(name string) [][]byte {
	texts := make([][]byte, s.rows)
	var quoted []int32
	for row := range s.rows {
		if s.bad[row] {
			continue
		}
		raw := s.Raw(row, name)
		switch {
		case raw == nil || raw[0] == 'n':
		case raw[0] == '"':
			quoted = append(quoted, int32(row))
		default:
			texts[row] = raw
		}
	}
	if len(quoted) == 0 {
		return texts
	}
	column, _ := s.Column(name, record.String, quoted)
	for i, row := range quoted {
		if !column.IsNull(i) {
			texts[row] = column.Text.At(i)
		}
	}
	return texts
}
