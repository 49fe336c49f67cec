package window

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// order sorts cells that fire together: by what of them is due first, then by their keys.
func (o *Operator) order(cells []int32, less func(a, b *cell) int) {
	slices.SortFunc(cells, func(a, b int32) int {
		x, y := o.cells.at(a), o.cells.at(b)
		if c := less(x, y); c != 0 {
			return c
		}
		return cmp.Compare(o.keys.names[x.key], o.keys.names[y.key])
	})
}

// named is a cell with the bytes of its key that tell it best from others.
type named struct {
	bytes uint64
	cell  int32
}

// orderByKey sorts cells by their keys. There may be a million of them, so it compares eight bytes at once, behind those
// that all keys begin with, and looks at the keys themselves only where these are the same.
func (o *Operator) orderByKey(cells []int32) {
	if len(cells) < 2 {
		return
	}
	name := func(cell int32) string { return o.keys.names[o.cells.at(cell).key] }
	common := len(name(cells[0]))
	for _, cell := range cells {
		common = shared(name(cells[0])[:common], name(cell))
	}
	all := make([]named, len(cells))
	for i, cell := range cells {
		var bytes [8]byte
		copy(bytes[:], name(cell)[common:])
		all[i] = named{binary.BigEndian.Uint64(bytes[:]), cell}
	}
	slices.SortFunc(all, func(a, b named) int {
		if a.bytes != b.bytes {
			return cmp.Compare(a.bytes, b.bytes)
		}
		return cmp.Compare(name(a.cell), name(b.cell))
	})
	for i := range all {
		cells[i] = all[i].cell
	}
}

// shared returns how many bytes two texts begin with in common.
func shared(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
