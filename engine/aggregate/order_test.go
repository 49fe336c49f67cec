package aggregate_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/record"
)

// What comes out of a cell does not depend on the order of values, on how they are spread over cells and merged, nor on
// whether accumulators were stored and loaded in between. Neither do the bytes that are stored.
func TestNoOrderNoMergeTreeAndNoStorageChangesAResult(t *testing.T) {
	for _, spec := range everySpec() {
		t.Run(title(spec), func(t *testing.T) {
			for seed := range uint64(40) {
				g := rand.New(rand.NewPCG(seed, 4))
				in := randomInput(g, spec.Argument, rowsOf(seed))
				straight := newColumn(t, spec, 1)
				for row := range in.stamps {
					straight.Add(0, in.values, row, in.stamps[row])
				}
				shuffled := newColumn(t, spec, 6)
				cell := in.addInPieces(t, g, shuffled)
				if want, got := result(spec, straight, 0), result(spec, shuffled, cell); !same(want, got) {
					t.Fatalf("seed %d: %v in order, %v in pieces", seed, want, got)
				}
				if want, got := straight.Append(nil, 0), shuffled.Append(nil, cell); !bytes.Equal(want, got) {
					t.Fatalf("seed %d: stored as %x in order, as %x in pieces", seed, want, got)
				}
			}
		})
	}
}

// rowsOf has most inputs small, and some beyond what sketches keep exactly.
func rowsOf(seed uint64) int {
	if seed%10 == 9 {
		return 3000
	}
	return int(seed * seed / 4)
}

type input struct {
	values *record.Column
	stamps []aggregate.Stamp
}

func randomInput(g *rand.Rand, typ record.Type, rows int) input {
	in := input{values: &record.Column{Rows: rows}}
	values := make([]any, rows)
	infinite := g.IntN(4) == 0
	for i := range rows {
		values[i] = valueOf(g, typ)
		if infinite && typ == record.Float64 && g.IntN(rows) == 0 {
			values[i] = math.Inf(1 - 2*g.IntN(2))
		}
		in.stamps = append(in.stamps, aggregate.Stamp{Time: g.Int64N(50) - 25, Input: g.Int32N(3), Offset: g.Int64N(20)})
	}
	if typ != record.Unknown {
		in.values = column(typ, values...)
	} else {
		in.values = nil
	}
	return in
}

// addInPieces adds all rows in a random order to random cells, some of which are stored, loaded, merged and used again
// on the way, and returns the cell into which all were merged.
func (in input) addInPieces(t *testing.T, g *rand.Rand, c aggregate.Column) int32 {
	t.Helper()
	const cells = 6
	for _, row := range g.Perm(len(in.stamps)) {
		cell := g.Int32N(cells)
		c.Add(cell, in.values, row, in.stamps[row])
		switch other := (cell + 1 + g.Int32N(cells-1)) % cells; g.IntN(20) {
		case 0:
			move(t, c, cell, cell)
		case 1:
			c.Merge(other, cell)
			c.Clear(cell)
		default:
		}
	}
	order := g.Perm(cells)
	into := int32(order[0])
	for _, from := range order[1:] {
		move(t, c, into, into)
		c.Merge(into, int32(from))
	}
	return into
}

// move stores a cell and loads it into another.
func move(t *testing.T, c aggregate.Column, from, to int32) {
	t.Helper()
	stored := append(c.Append([]byte("before"), from), "behind"...)
	rest, err := c.Load(to, stored[len("before"):])
	if err != nil || string(rest) != "behind" {
		t.Fatalf("loading %x left %q: %v", stored, rest, err)
	}
}

func TestMergeLeavesTheSourceAsItWas(t *testing.T) {
	for _, spec := range everySpec() {
		g := rand.New(rand.NewPCG(1, 4))
		c := newColumn(t, spec, 2)
		for cell := range int32(2) {
			in := randomInput(g, spec.Argument, 400)
			for row := range in.stamps {
				c.Add(cell, in.values, row, in.stamps[row])
			}
		}
		before := c.Append(nil, 1)
		c.Merge(0, 1)
		in := randomInput(g, spec.Argument, 2000)
		for row := range in.stamps {
			c.Add(0, in.values, row, in.stamps[row])
		}
		if after := c.Append(nil, 1); !bytes.Equal(before, after) {
			t.Errorf("%s: the source of a merge changed", title(spec))
		}
	}
}

func TestAClearedCellIsANewOne(t *testing.T) {
	for _, spec := range everySpec() {
		c := newColumn(t, spec, 2)
		in := randomInput(rand.New(rand.NewPCG(2, 4)), spec.Argument, 2000)
		for row := range in.stamps {
			c.Add(1, in.values, row, in.stamps[row])
		}
		c.Clear(1)
		if want, got := c.Append(nil, 0), c.Append(nil, 1); !bytes.Equal(want, got) {
			t.Errorf("%s: %x is left after Clear, a new cell has %x", title(spec), got, want)
		}
	}
}

func FuzzLoadTakesAnyBytes(f *testing.F) {
	specs := everySpec()
	for i, spec := range specs {
		c := newColumn(f, spec, 1)
		for _, rows := range []int{0, 3, 30, 2000} {
			in := randomInput(rand.New(rand.NewPCG(3, uint64(rows))), spec.Argument, rows)
			for row := range in.stamps {
				c.Add(0, in.values, row, in.stamps[row])
			}
			f.Add(uint8(i), c.Append(nil, 0))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		spec := specs[int(which)%len(specs)]
		c := newColumn(t, spec, 2)
		empty := c.Append(nil, 1)
		if _, err := c.Load(0, data); err != nil {
			if got := c.Append(nil, 0); !bytes.Equal(got, empty) {
				t.Fatalf("%s: %x is left after an error", title(spec), got)
			}
			return
		}
		result(spec, c, 0)
		c.Merge(1, 0)
		result(spec, c, 1)
		move(t, c, 0, 1)
	})
}
