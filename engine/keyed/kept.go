package keyed

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
)

// How a function's state is laid out: the state's name and '/' stand behind each.
const (
	keyValues = "s" // then the key
	keyTimers = "t" // then the time, the timer's number and the key
	keyExpiry = "x" // then the time when values expire, 0 and the key
)

// keeper keeps what a function has for each key.
type keeper struct {
	function *plan.Function
	overlay  *state.Overlay
	values   []byte
	timers   []byte
	expiry   []byte
	// ttl is the longest of the states that have one; 0: none has.
	ttl int64
	// lasting tells that some states have none.
	lasting bool
	// nextTimer and nextExpiry are no later than the first there is.
	nextTimer, nextExpiry int64
}

func newKeeper(s *plan.Step, overlay *state.Overlay) *keeper {
	k := &keeper{
		function: s.Stateful.Call.Function, overlay: overlay,
		values: []byte(keyValues + s.State + "/"), timers: []byte(keyTimers + s.State + "/"), expiry: []byte(keyExpiry + s.State + "/"),
		nextTimer: record.MaxTime, nextExpiry: record.MaxTime,
	}
	for _, state := range k.function.States {
		k.ttl = max(k.ttl, state.TTL)
		k.lasting = k.lasting || state.TTL == 0
	}
	return k
}

// load finds out when the first timer is due; afterwards that is kept up to date.
func (k *keeper) load() error {
	k.nextTimer, k.nextExpiry = unknown, unknown
	return nil
}

// kept is what there is for one key.
type kept struct {
	key string
	// last is the event time of the key's latest record.
	last   int64
	states [][]byte // nil: none
	timers []int64
	// row is the key's last row of the batch that was taken; -1: none.
	row int32
	// stored are the timers, and expires the time of expiry, as they are in the store.
	stored  []int64
	expires int64
}

// get returns what there is for a key.
func (k *keeper) get(key string) (*kept, error) {
	out := &kept{key: key, row: -1, last: unknown, expires: unknown, states: make([][]byte, len(k.function.States))}
	for range k.function.Timers {
		out.timers = append(out.timers, record.NoTime)
	}
	out.stored = append(out.stored, out.timers...)
	value, ok, err := k.overlay.Get(k.place(key))
	if err != nil || !ok {
		return out, err
	}
	return out, out.decode(value)
}

var errKept = errors.New("the saved state of a key is damaged")

func (v *kept) decode(data []byte) error {
	number := func() int64 {
		n, size := binary.Varint(data)
		if size <= 0 {
			data = nil
			return 0
		}
		data = data[size:]
		return n
	}
	v.last, v.expires = number(), number()
	for i := range v.timers {
		v.timers[i] = number()
		v.stored[i] = v.timers[i]
	}
	for i := range v.states {
		size, n := binary.Uvarint(data)
		if n <= 0 || size > uint64(len(data)-n)+1 {
			return errKept
		}
		data = data[n:]
		if size > 0 {
			v.states[i], data = data[:size-1:size-1], data[size-1:]
		}
	}
	return nil
}

func (v *kept) encode() []byte {
	dst := binary.AppendVarint(binary.AppendVarint(nil, v.last), v.expires)
	for _, timer := range v.timers {
		dst = binary.AppendVarint(dst, timer)
	}
	for _, s := range v.states {
		if s == nil {
			dst = append(dst, 0)
			continue
		}
		dst = append(binary.AppendUvarint(dst, uint64(len(s))+1), s...)
	}
	return dst
}

// holds tells whether a state has a value.
func (v *kept) holds() bool {
	return slices.ContainsFunc(v.states, func(s []byte) bool { return s != nil })
}

// waits tells whether a timer is set.
func (v *kept) waits() bool {
	return slices.ContainsFunc(v.timers, func(timer int64) bool { return timer != record.NoTime })
}

// place returns where a key's values are.
func (k *keeper) place(key string) []byte { return append(slices.Clip(k.values), key...) }

// put writes what there is for a key now.
func (k *keeper) put(v *kept) {
	k.putTimers(v)
	k.putExpiry(v)
	at := k.place(v.key)
	if !v.holds() && !v.waits() && v.expires == unknown {
		k.overlay.Delete(at)
	} else {
		k.overlay.Set(at, v.encode())
	}
}

func (k *keeper) putTimers(v *kept) {
	for i, timer := range v.timers {
		if timer == v.stored[i] {
			continue
		}
		if v.stored[i] != record.NoTime {
			k.overlay.Delete(timed(k.timers, v.stored[i], byte(i), v.key))
		}
		if timer != record.NoTime {
			k.overlay.Set(timed(k.timers, timer, byte(i), v.key), nil)
			k.nextTimer = min(k.nextTimer, timer)
		}
		v.stored[i] = timer
	}
}

// putExpiry notes when the key can be forgotten, to a quarter of the time that values are kept for: so that it is not
// written with every record. Until then it is known when the last record was, be there values or none: the values of a
// record before it are kept no longer for that the key was empty in between.
func (k *keeper) putExpiry(v *kept) {
	expires := int64(unknown)
	freed := v.holds() && !k.lasting || !v.holds() && !v.waits()
	if k.ttl > 0 && v.last != unknown && freed {
		step := max(k.ttl/4, 1)
		expires = (v.last+k.ttl)/step*step + step
	}
	if expires == v.expires {
		return
	}
	if v.expires != unknown {
		k.overlay.Delete(timed(k.expiry, v.expires, 0, v.key))
	}
	if expires != unknown {
		k.overlay.Set(timed(k.expiry, expires, 0, v.key), nil)
		k.nextExpiry = min(k.nextExpiry, expires)
	}
	v.expires = expires
}

// timed returns the place of something that happens at a time: places are in the order of times.
func timed(prefix []byte, time int64, number byte, key string) []byte {
	out := append(make([]byte, 0, len(prefix)+9+len(key)), prefix...)
	out = binary.BigEndian.AppendUint64(out, uint64(time)^1<<63) //nolint:gosec // negative times come first
	return append(append(out, number), key...)
}

// moment is something that is due.
type moment struct {
	time   int64
	number int
	key    string
}

// due returns what is due at a watermark, in its order, and when the next is.
func (k *keeper) due(prefix []byte, watermark int64) (due []moment, next int64, err error) {
	next = record.MaxTime
	err = k.overlay.Scan(prefix, func(at, _ []byte) error {
		at = at[len(prefix):]
		time := int64(binary.BigEndian.Uint64(at) ^ 1<<63) //nolint:gosec // as it was written
		if time > watermark {
			next = time
			return errEnough
		}
		due = append(due, moment{time, int(at[8]), string(at[9:])})
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return due, next, err
}

var errEnough = errors.New("the rest is later")

// forget drops what has expired.
func (k *keeper) forget(watermark int64) error {
	if watermark < k.nextExpiry {
		return nil
	}
	due, next, err := k.due(k.expiry, watermark)
	if err != nil {
		return err
	}
	k.nextExpiry = next
	for _, m := range due {
		v, err := k.get(m.key)
		if err != nil {
			return err
		}
		k.expire(v, watermark)
		if !v.waits() && !v.holds() { // a timer's call may leave a value, which has expired then; a version may keep values longer
			v.last = unknown
		}
		k.put(v)
	}
	return nil
}

// expire drops the states of a key that have expired at a watermark.
func (k *keeper) expire(v *kept, watermark int64) {
	for i, s := range k.function.States {
		if s.TTL > 0 && v.last != unknown && watermark > v.last+s.TTL {
			v.states[i] = nil
		}
	}
}
