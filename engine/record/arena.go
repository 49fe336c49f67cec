package record

// Arena holds byte strings back to back. Text i is Data[Ends[i-1]:Ends[i]]. A null differs from an empty string.
// The zero value is an empty arena. Texts handed out point into the arena: they are valid as long as it is.
type Arena struct {
	Data []byte
	Ends []int32
	// Null marks the texts that are null; nil if none is. Nulls have no bytes.
	Null []bool
}

// MaxArena is the number of bytes that an arena can hold.
const MaxArena = 1<<31 - 1

// Len returns the number of texts.
func (a *Arena) Len() int { return len(a.Ends) }

// At returns text i, nil if it is null.
func (a *Arena) At(i int) []byte {
	if a.Null != nil && a.Null[i] {
		return nil
	}
	start := a.start(i)
	return a.Data[start:a.Ends[i]:a.Ends[i]]
}

// IsNull tells whether text i is null.
func (a *Arena) IsNull(i int) bool { return a.Null != nil && a.Null[i] }

// Append adds a text; nil adds a null.
func (a *Arena) Append(text []byte) {
	a.Data = append(a.Data, text...)
	a.End(text == nil)
}

// End closes the text whose bytes the caller appended to Data. A null must have appended none.
func (a *Arena) End(null bool) {
	a.Ends = append(a.Ends, int32(len(a.Data)))
	if null && a.Null == nil {
		a.Null = make([]bool, len(a.Ends)-1, cap(a.Ends))
	}
	if a.Null != nil {
		a.Null = append(a.Null, null)
	}
}

// Grow makes room for texts with size bytes together.
func (a *Arena) Grow(texts, size int) {
	if cap(a.Ends)-len(a.Ends) < texts {
		a.Ends = append(make([]int32, 0, len(a.Ends)+texts), a.Ends...)
	}
	if cap(a.Data)-len(a.Data) < size {
		a.Data = append(make([]byte, 0, len(a.Data)+size), a.Data...)
	}
}

// Take returns a new arena with the texts at rows.
func (a *Arena) Take(rows []int32) Arena {
	var out Arena
	out.Grow(len(rows), len(a.Data))
	for _, row := range rows {
		out.Append(a.At(int(row)))
	}
	return out
}

func (a *Arena) start(i int) int32 {
	if i == 0 {
		return 0
	}
	return a.Ends[i-1]
}
