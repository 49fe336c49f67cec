package step

import (
	"slices"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
)

// values returns the rows as JSON texts, with what steps changed. Texts that nothing changed are not copied.
func (f *frame) values() record.Arena {
	if f.written != nil {
		return *f.written
	}
	if f.untouched() {
		return *f.texts.Values()
	}
	var out record.Arena
	out.Grow(f.rows, f.rows*32+f.textSize())
	encode := f.encoder()
	for row := range f.rows {
		gone := f.taken != nil && f.taken[row]
		if !gone {
			out.Data = encode(out.Data, row)
		}
		out.End(gone)
	}
	return out
}

// fields returns the rows as columns if they are nothing but that. JSON that a worker made goes by its text, which is checked.
func (f *frame) fields() []record.Known {
	if !f.bare {
		return nil
	}
	names := f.only
	if names == nil {
		for i := range f.made {
			names = append(names, f.made[i].name)
		}
	}
	var known []record.Known
	for _, name := range names {
		i := indexOf(f.made, name)
		if i < 0 {
			continue
		}
		if f.made[i].column.Type == record.JSON {
			return nil
		}
		known = append(known, record.Known{Name: name, Column: f.made[i].column})
	}
	return known
}

// untouched tells whether the rows are the texts, all of them, as they came.
func (f *frame) untouched() bool {
	return f.text == nil && f.only == nil && len(f.hidden) == 0 && len(f.made) == 0
}

func (f *frame) textSize() int {
	size := 0
	for row := range f.rows {
		size += len(f.texts.Value(f.textOf(row)))
	}
	return size
}

// encoder returns the cheapest way to write a row of this frame.
func (f *frame) encoder() func(dst []byte, row int) []byte {
	members := f.memberPrefixes()
	if f.only != nil {
		return func(dst []byte, row int) []byte { return f.appendSelected(dst, row) }
	}
	var buffer []byte
	return func(dst []byte, row int) []byte {
		if f.replaces(row) {
			return f.rewrite(dst, row)
		}
		buffer = buffer[:0]
		for i := range f.made {
			buffer = append(buffer, members[i]...)
			buffer = codec.AppendValue(buffer, &f.made[i].column, row)
		}
		return f.texts.AppendWith(dst, f.textOf(row), buffer)
	}
}

// memberPrefixes returns `,"name":` of each made column.
func (f *frame) memberPrefixes() [][]byte {
	prefixes := make([][]byte, len(f.made))
	for i, m := range f.made {
		prefixes[i] = append(codec.AppendString([]byte{','}, []byte(m.name)), ':')
	}
	return prefixes
}

// replaces tells whether the row's own text has a field that must not be written as it stands.
func (f *frame) replaces(row int) bool {
	text := f.textOf(row)
	for _, name := range f.hidden {
		if f.texts.Raw(text, name) != nil {
			return true
		}
	}
	for i := range f.made {
		if f.texts.Raw(text, f.made[i].name) != nil {
			return true
		}
	}
	return false
}

// rewrite writes the row member by member: a made column stands where the field was that it replaces.
func (f *frame) rewrite(dst []byte, row int) []byte {
	w := writer{dst: append(dst, '{')}
	written := make([]bool, len(f.made))
	f.texts.EachMember(f.textOf(row), func(name string, raw []byte) {
		if i := indexOf(f.made, name); i >= 0 {
			if !written[i] {
				w.column(name, &f.made[i].column, row)
			}
			written[i] = true
			return
		}
		if !slices.Contains(f.hidden, name) {
			w.raw(name, raw)
		}
	})
	for i := range f.made {
		if !written[i] {
			w.column(f.made[i].name, &f.made[i].column, row)
		}
	}
	return append(w.dst, '}')
}

// appendSelected writes the fields of f.only; a field that the record lacks is left out.
func (f *frame) appendSelected(dst []byte, row int) []byte {
	w := writer{dst: append(dst, '{')}
	for _, name := range f.only {
		if i := indexOf(f.made, name); i >= 0 {
			w.column(name, &f.made[i].column, row)
		} else if raw := f.texts.Raw(f.textOf(row), name); raw != nil {
			w.raw(name, raw)
		}
	}
	return append(w.dst, '}')
}

// writer writes the members of one object.
type writer struct {
	dst  []byte
	some bool
}

func (w *writer) name(name string) {
	if w.some {
		w.dst = append(w.dst, ',')
	}
	w.some = true
	w.dst = append(codec.AppendString(w.dst, []byte(name)), ':')
}

func (w *writer) raw(name string, raw []byte) {
	w.name(name)
	w.dst = append(w.dst, raw...)
}

func (w *writer) column(name string, c *record.Column, row int) {
	w.name(name)
	w.dst = codec.AppendValue(w.dst, c, row)
}
