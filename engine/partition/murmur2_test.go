package partition

import (
	"strings"
	"testing"
)

func TestHashIsKafkasOwn(t *testing.T) {
	// The cases of org.apache.kafka.common.utils.UtilsTest.
	cases := map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	}
	for key, want := range cases {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("hash of %q is %d, want %d", key, got, want)
		}
	}
}

func TestANegativeHashGivesAPartitionToo(t *testing.T) {
	for _, c := range []struct {
		key        string
		partitions int
		want       int32
	}{
		{"21", 10, (-973932308 & 0x7fffffff) % 10},
		{"foobar", 7, (-790332482 & 0x7fffffff) % 7},
		{"abc", 3, 479470107 % 3},
		{"abc", 1, 0},
	} {
		if got := Of([]byte(c.key), c.partitions); got != c.want {
			t.Errorf("key %q of %d partitions goes to %d, want %d", c.key, c.partitions, got, c.want)
		}
	}
}

func TestEveryPartitionIsUsed(t *testing.T) {
	seen := map[int32]bool{}
	for i := range 1000 {
		seen[Of([]byte(strings.Repeat("k", i)), 16)] = true
	}
	if len(seen) != 16 {
		t.Errorf("keys went to %d partitions of 16", len(seen))
	}
}

func BenchmarkOf(b *testing.B) {
	key := []byte("station-000123")
	for b.Loop() {
		Of(key, 12)
	}
}
