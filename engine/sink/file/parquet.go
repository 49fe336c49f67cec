package file

import (
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
)

// The schema is decided when this much is waiting.
const (
	sampleRows  = 100_000
	sampleBytes = 32 << 20
)

// groupRows is the size of a row group, which is what a writer keeps in memory.
const groupRows = 100_000

// writeRows is how many rows are handed to parquet-go at once.
const writeRows = 256

// parquetWriter writes a Parquet file. Until the schema is decided, rows wait.
type parquetWriter struct {
	out     io.Writer
	columns []column
	index   map[string]int
	waiting record.Arena

	// The fields below are set once the schema is decided.
	writer *parquet.GenericWriter[any]
	rows   []parquet.Row
}

type column struct {
	name string
	typ  record.Type
}

func newParquetWriter(out io.Writer) *parquetWriter {
	return &parquetWriter{out: out, index: map[string]int{}}
}

func (w *parquetWriter) write(value []byte) error {
	if w.writer != nil {
		return w.writeRow(value)
	}
	members, err := membersOf(value)
	if err != nil {
		return err
	}
	for _, m := range members {
		w.widen(m)
	}
	w.waiting.Append(value)
	if w.waiting.Len() >= sampleRows || len(w.waiting.Data) >= sampleBytes {
		return w.decide()
	}
	return nil
}

// flush hands over what can be: a Parquet file is not readable before its end is written, so what waits may wait on.
func (w *parquetWriter) flush() error {
	if w.writer == nil {
		return nil
	}
	return w.writeRows()
}

func (w *parquetWriter) finish() error {
	if w.writer == nil {
		if err := w.decide(); err != nil {
			return err
		}
	}
	if err := w.writeRows(); err != nil {
		return err
	}
	return w.writer.Close()
}

func (w *parquetWriter) widen(m member) {
	i, known := w.index[m.name]
	if !known {
		i = len(w.columns)
		name := strings.Clone(m.name)
		w.index[name] = i
		w.columns = append(w.columns, column{name: name})
	}
	w.columns[i].typ = codec.Wider(w.columns[i].typ, codec.TypeOf(m.raw))
}

// decide fixes the schema by the rows that wait, and writes them. They all fit.
func (w *parquetWriter) decide() error {
	group := orderedGroup{Group: parquet.Group{}}
	for i, c := range w.columns {
		if c.typ == record.Unknown {
			w.columns[i].typ = record.JSON
		}
		group.Group[c.name] = node(w.columns[i].typ)
		group.names = append(group.names, c.name)
	}
	schema := parquet.NewSchema("rows", group)
	w.writer = parquet.NewGenericWriter[any](w.out, schema, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(groupRows))
	waiting := w.waiting
	w.waiting = record.Arena{}
	for i := range waiting.Len() {
		if err := w.writeRow(waiting.At(i)); err != nil {
			return err
		}
	}
	return nil
}

func (w *parquetWriter) writeRow(value []byte) error {
	members, err := membersOf(value)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := w.fits(m); err != nil {
			return err
		}
	}
	row := make(parquet.Row, len(w.columns))
	for i := range row {
		row[i] = parquet.NullValue().Level(0, 0, i)
	}
	for _, m := range members {
		i := w.index[m.name]
		if v := valueOf(w.columns[i].typ, m.raw); v.IsNull() {
			row[i] = v.Level(0, 0, i)
		} else {
			row[i] = v.Clone().Level(0, 1, i)
		}
	}
	w.rows = append(w.rows, row)
	if len(w.rows) >= writeRows {
		return w.writeRows()
	}
	return nil
}

func (w *parquetWriter) fits(m member) error {
	i, known := w.index[m.name]
	if !known {
		return unfit("the field %q is none of the file's columns, which the first %d rows decided", m.name, sampleRows)
	}
	if column, typ := w.columns[i], codec.TypeOf(m.raw); !fits(column.typ, typ) {
		return unfit("the field %q is %s here and %s in the file, which the first %d rows decided", m.name, spelled(typ), spelled(column.typ), sampleRows)
	}
	return nil
}

func (w *parquetWriter) writeRows() error {
	_, err := w.writer.WriteRows(w.rows)
	w.rows = w.rows[:0]
	return err
}

// member is a field of a record.
type member struct {
	name string
	raw  []byte
}

// membersOf returns the fields of a JSON object. They point into it.
func membersOf(value []byte) ([]member, error) {
	one := record.Arena{Data: value, Ends: []int32{int32(len(value))}}
	texts, failures := codec.Scan(&one, nil)
	if len(failures) > 0 {
		return nil, unfit("%v, as each row of a Parquet file is", failures[0].Err)
	}
	var members []member
	texts.EachMember(0, func(name string, raw []byte) {
		members = append(members, member{strings.Clone(name), raw})
	})
	return members, nil
}

// orderedGroup is a group whose fields stand in the order of names; parquet.Group sorts them.
type orderedGroup struct {
	parquet.Group
	names []string
}

func (g orderedGroup) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.names, a.Name()) - slices.Index(g.names, b.Name())
	})
	return fields
}
