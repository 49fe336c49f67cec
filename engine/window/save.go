package window

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Save hands out the cells that differ from what was saved before: by number, with their encoding, or nil for one that
// is empty now. The encoding is valid during the call. REQUIRES: Commit was called.
func (o *Operator) Save(save func(cell uint32, state []byte)) {
	slices.Sort(o.cells.dirty)
	var buffer []byte
	for _, number := range o.cells.dirty {
		c := o.cells.at(number)
		c.clear(touched)
		switch {
		case c.has(live):
			c.set(stored)
			buffer = o.append(buffer[:0], number)
			save(uint32(number), buffer)
		case c.has(stored):
			c.clear(stored)
			save(uint32(number), nil)
		}
	}
	o.cells.dirty = o.cells.dirty[:0]
	if o.Open() == 0 {
		o.reset()
	}
}

// reset frees the room of cells when none is open and none is stored. What waits for them in a queue goes with it.
func (o *Operator) reset() {
	o.cells.slabs, o.cells.size = [][]cell{slices.Clone(o.cells.slabs[0])}, 1
	clear(o.cells.slabs[0][1:])
	o.cells.free, o.cells.dirty = nil, nil
	o.changed = nil
	o.kind = newKind(o)
}

// AppendProgress appends what the operator knows beside its cells. The end of time is not saved: after it the windows
// that were open are gone, and those of the next run begin where the watermark was before.
func (o *Operator) AppendProgress(dst []byte) []byte {
	return binary.AppendVarint(binary.AppendVarint(dst, o.finite), o.maxGap)
}

func (o *Operator) append(dst []byte, number int32) []byte {
	c := o.cells.at(number)
	key := o.keys.names[c.key]
	dst = append(binary.AppendUvarint(dst, uint64(len(key))), key...)
	dst = append(dst, byte(c.flags&(own|last|changed)))
	for _, v := range []int64{c.start, c.end, c.until, c.offset, c.rows, int64(c.input), int64(c.rev)} {
		dst = binary.AppendVarint(dst, v)
	}
	for _, column := range o.columns {
		dst = column.Append(dst, number)
	}
	return dst
}

// LoadProgress takes over what AppendProgress gave. It comes before the first Load.
func (o *Operator) LoadProgress(data []byte) error {
	values, _, err := varints(data, 2)
	if err == nil {
		o.watermark, o.finite, o.maxGap = values[0], values[0], values[1]
		o.mark = o.Watermark()
	}
	return err
}

// Load takes over a cell that was saved. Cells come in the order of their numbers, then Loaded is called.
func (o *Operator) Load(number uint32, data []byte) error {
	saved, err := Decode(data)
	if err != nil {
		return err
	}
	if int64(number) < int64(o.cells.size) {
		return fmt.Errorf("%w: cell %d comes after cell %d", errState, number, o.cells.size-1)
	}
	o.cells.reach(int32(number))
	k := o.keys.hold(saved.Key)
	defer o.keys.release(k)
	c := o.cells.at(int32(number))
	*c = cell{
		key: k, flags: live | stored | saved.flags, start: saved.Start, end: saved.End, until: saved.until, offset: saved.offset,
		rows: saved.Rows, input: saved.input, rev: saved.rev,
	}
	data = saved.Accumulators
	for _, column := range o.columns {
		if data, err = column.Load(int32(number), data); err != nil {
			return fmt.Errorf("%w: %w", errState, err)
		}
	}
	if saved.flags&changed != 0 {
		o.changed = append(o.changed, int32(number))
	}
	o.kind.restore(int32(number))
	return nil
}

// Loaded tells that all cells are there.
func (o *Operator) Loaded() { o.kind.restored() }

// reach makes a cell that was saved the last one; those before it that were not are free.
func (s *cells) reach(number int32) {
	for s.size <= number {
		s.free = append(s.free, s.grow())
	}
	s.free = s.free[:len(s.free)-1]
	s.open++
}
