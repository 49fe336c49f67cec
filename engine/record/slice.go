package record

// Slice returns the values of rows from (inclusive) to (exclusive). Values are shared where the layout allows.
func (c *Column) Slice(from, to int) Column {
	out := Column{Type: c.Type, Rows: to - from, Valid: sliceBits(c.Valid, from, to), Bools: sliceBits(c.Bools, from, to)}
	switch {
	case c.Type == Int64:
		out.Ints = c.Ints[from:to:to]
	case c.Type == Float64:
		out.Floats = c.Floats[from:to:to]
	case c.Type.IsText():
		out.Text = c.Text.slice(from, to)
	}
	return out
}

func (t *Text) slice(from, to int) Text {
	first := t.Offsets[from]
	out := Text{Data: t.Data[first:t.Offsets[to]], Offsets: make([]int32, to-from+1)}
	for i := range out.Offsets {
		out.Offsets[i] = t.Offsets[from+i] - first
	}
	return out
}

func sliceBits(bitmap []byte, from, to int) []byte {
	if bitmap == nil {
		return nil
	}
	out := make([]byte, BitmapSize(to-from))
	for i := from; i < to; i++ {
		if Bit(bitmap, i) {
			SetBit(out, i-from)
		}
	}
	return out
}

// Slice returns the texts of from (inclusive) to to (exclusive). Bytes are shared.
func (a *Arena) Slice(from, to int) Arena {
	out := Arena{Ends: make([]int32, to-from)}
	if from == to {
		return out
	}
	first := a.start(from)
	out.Data = a.Data[first:a.Ends[to-1]]
	for i := range out.Ends {
		out.Ends[i] = a.Ends[from+i] - first
	}
	if a.Null != nil {
		out.Null = a.Null[from:to]
	}
	return out
}

// Concat returns the values of columns of one type one after the other. REQUIRES: len(columns) > 0.
func Concat(columns []*Column) Column {
	if len(columns) == 1 {
		return *columns[0]
	}
	rows := 0
	for _, c := range columns {
		rows += c.Rows
	}
	b := NewBuilder(columns[0].Type, rows)
	for _, c := range columns {
		for row := range c.Rows {
			b.CopyOf(c, row)
		}
	}
	return b.Column()
}
