package window

// keys gives numbers to the keys that have cells, and takes them back.
type keys struct {
	numbers map[string]int32
	names   []string
	uses    []int32
	free    []int32
}

// hold returns the number of a key and counts one use of it, which the caller releases.
func (k *keys) hold(name []byte) int32 {
	number, known := k.numbers[string(name)]
	if !known {
		number = k.add(string(name))
	}
	k.uses[number]++
	return number
}

// use counts one more use of a key that is held.
func (k *keys) use(number int32) { k.uses[number]++ }

func (k *keys) add(name string) int32 {
	if k.numbers == nil {
		k.numbers = map[string]int32{}
	}
	number := int32(len(k.names))
	if n := len(k.free); n > 0 {
		number, k.free = k.free[n-1], k.free[:n-1]
		k.names[number] = name
	} else {
		k.names = append(k.names, name)
		k.uses = append(k.uses, 0)
	}
	k.numbers[name] = number
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
	delete(k.numbers, k.names[number])
	k.names[number] = ""
	k.free = append(k.free, number)
	if len(k.numbers) == 0 {
		*k = keys{} // Go's maps never shrink
	}
}
