package window

// index finds numbers by what they stand for: a hash table that holds nothing but the numbers, as there may be millions.
// What they stand for is asked of its owner.
type index struct {
	// slots hold numbers plus one, 0 where there is none; their count is a power of two.
	slots []int32
	used  int
	hash  func(number int32) uint64
}

const smallest = 16

// find returns the number with a hash that is the right one.
func (x *index) find(hash uint64, is func(number int32) bool) (int32, bool) {
	if x.used == 0 {
		return 0, false
	}
	mask := uint64(len(x.slots) - 1)
	for at := hash & mask; x.slots[at] != 0; at = (at + 1) & mask {
		if number := x.slots[at] - 1; is(number) {
			return number, true
		}
	}
	return 0, false
}

// add adds a number that is not there.
func (x *index) add(number int32) {
	if 4*(x.used+1) > 3*len(x.slots) {
		x.resize(max(2*len(x.slots), smallest))
	}
	x.put(number)
	x.used++
}

func (x *index) put(number int32) {
	mask := uint64(len(x.slots) - 1)
	at := x.hash(number) & mask
	for x.slots[at] != 0 {
		at = (at + 1) & mask
	}
	x.slots[at] = number + 1
}

func (x *index) resize(size int) {
	old := x.slots
	x.slots = make([]int32, size)
	for _, slot := range old {
		if slot != 0 {
			x.put(slot - 1)
		}
	}
}

// remove removes a number that is there, and moves those up that its place kept from theirs.
func (x *index) remove(number int32) {
	mask := uint64(len(x.slots) - 1)
	at := x.hash(number) & mask
	for x.slots[at] != number+1 {
		at = (at + 1) & mask
	}
	hole := at
	for next := (at + 1) & mask; x.slots[next] != 0; next = (next + 1) & mask {
		home := x.hash(x.slots[next]-1) & mask
		if (next-home)&mask >= (next-hole)&mask {
			x.slots[hole], hole = x.slots[next], next
		}
	}
	x.slots[hole] = 0
	x.used--
	if x.used == 0 {
		x.slots = nil // room for many that were once
	}
}
