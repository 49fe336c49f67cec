package replay

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/sink"
	tablev1 "github.com/pyudf/pyudf/proto/pyudf/table/v1"
	"github.com/pyudf/pyudf/udfworker/wire"
)

// result is what one stage writes to one topic: a sink that makes chunks of the messages and writes them to a file.
type result struct {
	// lean tells that keys are numbers of rows of the input.
	lean bool
	// raw are the fields that come as JSON texts.
	raw []string
	// told gives the object that stands for a message; nil: its value.
	told func(messages *record.Messages, row int) []byte

	path string

	mu       sync.Mutex // guards what follows
	file     *os.File
	buffered *bufio.Writer
	records  int
}

var _ sink.Sink = (*result)(nil)

func createResult(path string) (*result, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &result{path: path, file: file, buffered: bufio.NewWriterSize(file, readBuffer)}, nil
}

// Write implements sink.Sink.
func (r *result) Write(_ context.Context, messages *record.Messages) ([]sink.Rejected, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	chunk, err := r.chunk(messages)
	if err != nil || chunk.GetRows() == 0 {
		return nil, err
	}
	r.records += int(chunk.GetRows())
	_, err = protodelim.MarshalTo(r.buffered, chunk)
	return nil, err
}

// chunk returns messages as columns, each of the narrowest type that holds its values.
func (r *result) chunk(messages *record.Messages) (*tablev1.Chunk, error) {
	if messages.Known == nil {
		values, sources := r.present(messages)
		return r.parsed(&values, sources)
	}
	chunk := &tablev1.Chunk{Rows: uint32(messages.Len()), Sources: messages.Keys.Data} //nolint:gosec // a batch has fewer rows
	for i := range messages.Known {
		field, err := r.known(&messages.Known[i])
		if err != nil {
			return nil, err
		}
		chunk.Fields = append(chunk.Fields, field)
	}
	return chunk, nil
}

// known returns a column as its values' JSON would be read. Of numbers and booleans it is known what that gives.
func (r *result) known(known *record.Known) (*tablev1.Field, error) {
	column := known.Column
	if !column.Type.IsText() && !slices.Contains(r.raw, known.Name) {
		finite(&column)
		if column.Nulls() == column.Rows {
			return &tablev1.Field{Name: known.Name, Kind: tablev1.Kind_KIND_NULL}, nil
		}
		return fieldOf(known.Name, &column)
	}
	t := &table{rows: column.Rows, raw: r.raw}
	var text []byte
	for row := range column.Rows {
		start := len(text)
		text = codec.AppendValue(text, &column, row)
		t.at = 0
		t.set(row, known.Name, text[start:])
	}
	return t.columns[0].field(t.rows)
}

// present returns the values that are no tombstones, with what told makes of them, and where they come from. A record that a window
// takes back has no place in a frame.
func (r *result) present(messages *record.Messages) (values record.Arena, sources []byte) {
	if messages.Values.Null == nil && r.told == nil && !r.lean {
		return messages.Values, nil
	}
	values.Grow(messages.Len(), len(messages.Values.Data))
	for row := range messages.Len() {
		if messages.Values.IsNull(row) && r.told == nil {
			continue
		}
		if r.told != nil {
			values.Append(r.told(messages, row))
		} else {
			values.Append(messages.Values.At(row))
		}
		if r.lean {
			sources = append(sources, messages.Keys.At(row)...)
		}
	}
	return values, sources
}

// parsed returns JSON objects as columns. Where a record lacks a field the column is null. Texts that are no objects, as late
// records and dead letters may be, are a column of their own.
func (r *result) parsed(values *record.Arena, sources []byte) (*tablev1.Chunk, error) {
	texts, failures := codec.Scan(values, nil)
	failed := make(map[int]bool, len(failures))
	for _, failure := range failures {
		failed[failure.Row] = true
	}
	t := &table{rows: values.Len(), raw: r.raw}
	for row := range values.Len() {
		if failed[row] {
			t.set(row, unreadable, codec.AppendString(nil, values.At(row)))
			continue
		}
		t.at = 0
		texts.EachMember(row, func(name string, raw []byte) { t.set(row, name, raw) })
	}
	chunk := &tablev1.Chunk{Rows: uint32(values.Len()), Sources: sources} //nolint:gosec // a batch has fewer rows
	for i := range t.columns {
		field, err := t.columns[i].field(t.rows)
		if err != nil {
			return nil, err
		}
		chunk.Fields = append(chunk.Fields, field)
	}
	return chunk, nil
}

// unreadable is the column of texts that are no JSON objects.
const unreadable = "value"

// table is rows of JSON values by column.
type table struct {
	rows    int
	raw     []string
	columns []texted
	// at is the column whose name probably comes next.
	at int
}

// texted is a column of JSON texts; a row that lacks the field has none.
type texted struct {
	name  string
	typ   record.Type
	texts [][]byte
}

// set sets a value. Of members with the same name the last one counts.
func (t *table) set(row int, name string, raw []byte) {
	if t.at < len(t.columns) && t.columns[t.at].name == name {
		t.columns[t.at].set(row, raw)
		t.at++
		return
	}
	i := slices.IndexFunc(t.columns, func(c texted) bool { return c.name == name })
	if i < 0 {
		i = len(t.columns)
		t.columns = append(t.columns, texted{name: strings.Clone(name), typ: t.first(name), texts: make([][]byte, t.rows)})
	}
	t.columns[i].set(row, raw)
	t.at = i + 1
}

// first returns the type of a column without values.
func (t *table) first(name string) record.Type {
	if slices.Contains(t.raw, name) {
		return record.JSON
	}
	return record.Unknown
}

func (c *texted) set(row int, raw []byte) {
	c.texts[row] = raw
	if c.typ != record.JSON {
		c.typ = codec.Wider(c.typ, codec.TypeOf(raw))
	}
}

// field returns the column as a message.
func (c *texted) field(rows int) (*tablev1.Field, error) {
	if c.typ == record.Unknown {
		return &tablev1.Field{Name: c.name, Kind: tablev1.Kind_KIND_NULL}, nil
	}
	b := record.NewBuilder(c.typ, rows)
	for _, raw := range c.texts {
		if raw == nil {
			b.Null()
		} else {
			codec.Decode(b, c.typ, raw)
		}
	}
	column := b.Column()
	return fieldOf(c.name, &column)
}

// fieldOf returns a column as a message.
func fieldOf(name string, column *record.Column) (*tablev1.Field, error) {
	values, err := wire.ColumnMessage(column)
	if err != nil {
		return nil, fmt.Errorf("column %q: %w", name, err)
	}
	field := &tablev1.Field{Name: name, Values: values}
	for kind, typ := range types() {
		if typ == column.Type {
			field.Kind = kind
		}
	}
	return field, nil
}

// Flush implements sink.Sink.
func (r *result) Flush(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buffered.Flush()
}

// Close implements sink.Sink.
func (r *result) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	err := r.buffered.Flush()
	if closeErr := r.file.Close(); err == nil {
		err = closeErr
	}
	r.file = nil
	return err
}
