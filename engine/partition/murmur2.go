package partition

import "encoding/binary"

// Of returns the partition of a key among so many. REQUIRES: partitions > 0.
func Of(key []byte, partitions int) int32 {
	return int32(int64(murmur2(key)&0x7fffffff) % int64(partitions))
}

// murmur2 is the hash of org.apache.kafka.common.utils.Utils, whose ints are signed; the bits are the same.
func murmur2(data []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := seed ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	for i, b := range data {
		h ^= uint32(b) << (8 * i)
	}
	if len(data) > 0 {
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
