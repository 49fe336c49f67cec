package record

import "math/bits"

// Type is the type of a column.
type Type uint8

// The types. Decimal, Timestamp and JSON are text: the number's own digits, ISO 8601, a JSON value.
const (
	Unknown Type = iota
	Bool
	Int64
	Float64
	String
	Decimal
	Timestamp
	JSON
)

var typeNames = [...]string{"unknown", "bool", "int64", "float64", "string", "decimal", "timestamp", "json"} //nolint:gochecknoglobals // a constant table

func (t Type) String() string { return typeNames[t] }

// IsText tells whether values of the type are kept in Column.Text.
func (t Type) IsText() bool { return t >= String }

// Column is one field of a batch, a value a row. Exactly one of Bools, Ints, Floats and Text is used, as Type says.
// It is immutable once built. What a null row holds in the values does not matter.
type Column struct {
	Type Type
	// Rows is the number of values.
	Rows int
	// Valid has a bit a row, least significant first, set where the value is not null; nil if there are no nulls.
	Valid  []byte
	Bools  []byte // a bit a row
	Ints   []int64
	Floats []float64
	// Text has offsets as Arrow has them, Rows+1 of them.
	Text Text
}

// Text is Arrow's layout of variable-length text: value i is Data[Offsets[i]:Offsets[i+1]].
type Text struct {
	Data    []byte
	Offsets []int32
}

// At returns value i.
func (t *Text) At(i int) []byte { return t.Data[t.Offsets[i]:t.Offsets[i+1]] }

// IsNull tells whether the value of row i is null.
func (c *Column) IsNull(i int) bool { return c.Valid != nil && !Bit(c.Valid, i) }

// Nulls counts the rows that are null.
func (c *Column) Nulls() int {
	if c.Valid == nil {
		return 0
	}
	valid := 0
	for i := range c.Rows / 8 {
		valid += bits.OnesCount8(c.Valid[i])
	}
	for i := c.Rows &^ 7; i < c.Rows; i++ {
		if Bit(c.Valid, i) {
			valid++
		}
	}
	return c.Rows - valid
}

// Bit returns bit i of a bitmap, least significant first.
func Bit(bitmap []byte, i int) bool { return bitmap[i>>3]&(1<<(i&7)) != 0 }

// SetBit sets bit i of a bitmap.
func SetBit(bitmap []byte, i int) { bitmap[i>>3] |= 1 << (i & 7) }

// ClearBit clears bit i of a bitmap.
func ClearBit(bitmap []byte, i int) { bitmap[i>>3] &^= 1 << (i & 7) }

// BitmapSize returns the bytes of a bitmap of n bits.
func BitmapSize(n int) int { return (n + 7) / 8 }

// Bitmap returns a bitmap of n bits, all set.
func Bitmap(n int) []byte {
	bitmap := make([]byte, BitmapSize(n))
	for i := range bitmap {
		bitmap[i] = 0xff
	}
	return bitmap
}
