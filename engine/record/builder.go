package record

// Builder makes a column value by value. The zero value is not usable: see NewBuilder.
type Builder struct {
	column Column
}

// NewBuilder returns a builder with room for rows values.
func NewBuilder(t Type, rows int) *Builder {
	b := &Builder{column: Column{Type: t}}
	switch t {
	case Bool:
		b.column.Bools = make([]byte, 0, BitmapSize(rows))
	case Int64:
		b.column.Ints = make([]int64, 0, rows)
	case Float64:
		b.column.Floats = make([]float64, 0, rows)
	default:
		b.column.Text.Offsets = append(make([]int32, 0, rows+1), 0)
	}
	return b
}

// Null adds a null.
func (b *Builder) Null() {
	switch b.column.Type {
	case Bool:
		b.growBools()
	case Int64:
		b.column.Ints = append(b.column.Ints, 0)
	case Float64:
		b.column.Floats = append(b.column.Floats, 0)
	default:
		b.endText()
	}
	if b.column.Valid == nil {
		b.column.Valid = Bitmap(b.column.Rows)
		for i := b.column.Rows; i < len(b.column.Valid)*8; i++ {
			ClearBit(b.column.Valid, i)
		}
	}
	if b.column.Rows&7 == 0 {
		b.column.Valid = append(b.column.Valid, 0)
	}
	b.column.Rows++
}

// Bool adds a value to a column of type Bool.
func (b *Builder) Bool(v bool) {
	b.growBools()
	if v {
		SetBit(b.column.Bools, b.column.Rows)
	}
	b.valid()
}

// Int adds a value to a column of type Int64.
func (b *Builder) Int(v int64) {
	b.column.Ints = append(b.column.Ints, v)
	b.valid()
}

// Float adds a value to a column of type Float64.
func (b *Builder) Float(v float64) {
	b.column.Floats = append(b.column.Floats, v)
	b.valid()
}

// Text adds a value to a column of a text type.
func (b *Builder) Text(v []byte) {
	b.column.Text.Data = append(b.column.Text.Data, v...)
	b.endText()
	b.valid()
}

// Column returns what was built. The builder must not be used afterwards.
func (b *Builder) Column() Column { return b.column }

func (b *Builder) endText() {
	b.column.Text.Offsets = append(b.column.Text.Offsets, int32(len(b.column.Text.Data)))
}

func (b *Builder) growBools() {
	if b.column.Rows&7 == 0 {
		b.column.Bools = append(b.column.Bools, 0)
	}
}

func (b *Builder) valid() {
	if b.column.Valid != nil {
		if b.column.Rows&7 == 0 {
			b.column.Valid = append(b.column.Valid, 0)
		}
		SetBit(b.column.Valid, b.column.Rows)
	}
	b.column.Rows++
}

// Take returns a new column with the values at rows.
func (c *Column) Take(rows []int32) Column {
	b := NewBuilder(c.Type, len(rows))
	for _, row := range rows {
		b.CopyOf(c, int(row))
	}
	return b.Column()
}

// CopyOf adds the value of row i of another column of the same type.
func (b *Builder) CopyOf(c *Column, i int) {
	switch {
	case c.IsNull(i):
		b.Null()
	case c.Type == Bool:
		b.Bool(Bit(c.Bools, i))
	case c.Type == Int64:
		b.Int(c.Ints[i])
	case c.Type == Float64:
		b.Float(c.Floats[i])
	default:
		b.Text(c.Text.At(i))
	}
}
