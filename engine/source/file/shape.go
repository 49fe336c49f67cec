package file

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/pyudf/pyudf/engine/codec"
)

// shape writes one value of a Parquet schema's node as JSON. columns are the values of the node's leaves that belong
// to the one value, leaf by leaf; each has at least one.
type shape interface {
	append(dst []byte, columns [][]parquet.Value) []byte
}

// leaf is a column of scalars.
type leaf struct {
	write func(dst []byte, v parquet.Value) []byte
}

func (l leaf) append(dst []byte, columns [][]parquet.Value) []byte {
	if v := columns[0][0]; !v.IsNull() {
		return l.write(dst, v)
	}
	return append(dst, "null"...)
}

// member is a node of an object and its leaves in it.
type member struct {
	label       []byte // the name as JSON, with the colon
	shape       shape
	first, last int
}

// object is a group of nodes.
type object struct{ members []member }

func (o *object) append(dst []byte, columns [][]parquet.Value) []byte {
	dst = append(dst, '{')
	for i, m := range o.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = m.shape.append(append(dst, m.label...), columns[m.first:m.last])
	}
	return append(dst, '}')
}

// optional is a group that may be null, which its definition level tells.
type optional struct {
	of         shape
	definition int
}

func (o optional) append(dst []byte, columns [][]parquet.Value) []byte {
	if columns[0][0].DefinitionLevel() < o.definition {
		return append(dst, "null"...)
	}
	return o.of.append(dst, columns)
}

// list is a repeated node.
type list struct {
	of                     shape
	definition, repetition int
}

func (l list) append(dst []byte, columns [][]parquet.Value) []byte {
	dst = append(dst, '[')
	first := true
	l.each(columns, func(element [][]parquet.Value) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = l.of.append(dst, element)
	})
	return append(dst, ']')
}

// each calls visit with the values of each element.
func (l list) each(columns [][]parquet.Value, visit func(element [][]parquet.Value)) {
	if columns[0][0].DefinitionLevel() < l.definition {
		return
	}
	element := make([][]parquet.Value, len(columns))
	ends := make([]int, len(columns))
	for ends[0] < len(columns[0]) {
		for i, column := range columns {
			start, end := ends[i], ends[i]+1
			for end < len(column) && column[end].RepetitionLevel() > l.repetition {
				end++
			}
			element[i], ends[i] = column[start:end], end
		}
		visit(element)
	}
}

// dictionary is a map: a repeated pair of a key, which is its first leaf, and a value.
type dictionary struct {
	pairs list
	key   leaf
	value shape
}

func (d dictionary) append(dst []byte, columns [][]parquet.Value) []byte {
	dst = append(dst, '{')
	first := true
	d.pairs.each(columns, func(pair [][]parquet.Value) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		start := len(dst)
		dst = d.key.append(dst, pair[:1])
		if dst[start] != '"' {
			dst = append(append(append(dst[:start:start], '"'), dst[start:]...), '"')
		}
		dst = d.value.append(append(dst, ':'), pair[1:])
	})
	return append(dst, '}')
}

// shaper finds the shapes of one file's columns.
type shaper struct {
	// halves are the leaves that hold 16-bit floats, which parquet-go takes for 2 bytes.
	halves map[int]bool
}

// shapeOf returns the shape of a file's rows.
func shapeOf(file *parquet.File) (*object, error) {
	s := shaper{map[int]bool{}}
	leaves := 0
	for _, element := range file.Metadata().Schema {
		if !element.Type.Valid {
			continue
		}
		if _, half := element.LogicalType.Value.(*format.Float16Type); half {
			s.halves[leaves] = true
		}
		leaves++
	}
	return s.object(file.Root())
}

func (s shaper) object(column *parquet.Column) (*object, error) {
	o := &object{}
	leaves := 0
	for _, child := range column.Columns() {
		of, err := s.node(child)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", child.Name(), err)
		}
		first := leaves
		leaves += countLeaves(child)
		label := append(codec.AppendString(nil, []byte(child.Name())), ':')
		o.members = append(o.members, member{label, of, first, leaves})
	}
	return o, nil
}

func countLeaves(column *parquet.Column) int {
	if column.Leaf() {
		return 1
	}
	n := 0
	for _, child := range column.Columns() {
		n += countLeaves(child)
	}
	return n
}

// node returns the shape of a column with its repetition.
func (s shaper) node(column *parquet.Column) (shape, error) {
	if countLeaves(column) == 0 {
		return nil, errors.New("it is a group without columns")
	}
	of, err := s.plain(column)
	if err != nil {
		return nil, err
	}
	switch {
	case column.Repeated():
		return list{of, column.MaxDefinitionLevel(), column.MaxRepetitionLevel()}, nil
	case column.Optional() && !column.Leaf():
		return optional{of, column.MaxDefinitionLevel()}, nil
	default:
		return of, nil
	}
}

// plain returns the shape of a column as if it were required.
func (s shaper) plain(column *parquet.Column) (shape, error) {
	if column.Leaf() {
		return s.leaf(column)
	}
	if children := column.Columns(); len(children) == 1 && children[0].Repeated() {
		switch logicalOf(column).(type) {
		case *format.ListType:
			return s.list(children[0])
		case *format.MapType:
			return s.dictionary(children[0])
		}
	}
	return s.object(column)
}

// logicalOf returns what a column stands for, nil if for itself.
func logicalOf(column *parquet.Column) format.LogicalTypeValue {
	if logical := column.Type().LogicalType(); logical != nil {
		return logical.Value
	}
	return nil
}

// list returns the shape of a group that is marked as a list, given its repeated child. The child is the element
// itself in files of old writers, by the rules of the format's LogicalTypes.md, else a group around it.
func (s shaper) list(repeated *parquet.Column) (shape, error) {
	children := repeated.Columns()
	if repeated.Leaf() || len(children) != 1 || repeated.Name() == "array" || children[0].Repeated() {
		return s.node(repeated)
	}
	element, err := s.node(children[0])
	if err != nil {
		return nil, err
	}
	return list{element, repeated.MaxDefinitionLevel(), repeated.MaxRepetitionLevel()}, nil
}

func (s shaper) dictionary(pair *parquet.Column) (shape, error) {
	children := pair.Columns()
	if len(children) != 2 || !children[0].Leaf() {
		return s.node(pair)
	}
	key, err := s.leaf(children[0])
	if err != nil {
		return nil, err
	}
	value, err := s.node(children[1])
	if err != nil {
		return nil, err
	}
	return dictionary{list{nil, pair.MaxDefinitionLevel(), pair.MaxRepetitionLevel()}, key, value}, nil
}
