package window

import "hash/maphash"

// keys gives numbers to the keys that have cells, and takes them back.
type keys struct {
	seed  maphash.Seed
	index index
	names []string
	uses  []int32
	free  []int32
}

func newKeys() *keys {
	k := &keys{seed: maphash.MakeSeed()}
	k.index.hash = func(number int32) uint64 { return maphash.String(k.seed, k.names[number]) }
	return k
}

// hold returns the number of a key and counts one use of it, which the caller releases.
func (k *keys) hold(name []byte) int32 {
	number, known := k.index.find(maphash.Bytes(k.seed, name), func(number int32) bool { return k.names[number] == string(name) })
	if !known {
		number = k.add(string(name))
	}
	k.uses[number]++
	return number
}

// use counts one more use of a key that is held.
func (k *keys) use(number int32) { k.uses[number]++ }

func (k *keys) add(name string) int32 {
	number := int32(len(k.names))
	if n := len(k.free); n > 0 {
		number, k.free = k.free[n-1], k.free[:n-1]
		k.names[number] = name
	} else {
		k.names = append(k.names, name)
		k.uses = append(k.uses, 0)
	}
	k.index.add(number)
	return number
}

// release counts one use less, and forgets a key that has none.
func (k *keys) release(number int32) {
	k.uses[number]--
	if k.uses[number] == 0 {
		k.forget(number)
	}
}

func (k *keys) forget(number int32) {
	k.index.remove(number)
	k.names[number] = ""
	k.free = append(k.free, number)
	if k.index.used == 0 {
		k.names, k.uses, k.free = nil, nil, nil
	}
}
