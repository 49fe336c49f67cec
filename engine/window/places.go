package window

// place is a window of a key.
type place struct {
	start int64
	key   int32
}

// places finds the cells of windows and keys.
type places struct {
	index index
	cells *cells
}

func newPlaces(of *cells) *places {
	p := &places{cells: of}
	p.index.hash = func(number int32) uint64 {
		c := of.at(number)
		return place{c.start, c.key}.hash()
	}
	return p
}

// hash mixes all bits, by the finalizer of Steele, Lea and Flood's SplittableRandom ("Fast splittable pseudorandom number
// generators", OOPSLA 2014).
func (p place) hash() uint64 {
	h := uint64(p.start)*0x9e3779b97f4a7c15 + uint64(uint32(p.key))
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func (p *places) find(at place) (int32, bool) {
	return p.index.find(at.hash(), func(number int32) bool {
		c := p.cells.at(number)
		return c.key == at.key && c.start == at.start
	})
}

func (p *places) add(cell int32) { p.index.add(cell) }

func (p *places) remove(cell int32) { p.index.remove(cell) }
