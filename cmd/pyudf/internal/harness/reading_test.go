package harness

import (
	"fmt"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
)

func TestReadingKeepsThePromisesOfABoundedSource(t *testing.T) {
	sourcetest.Suite(t, func(*testing.T) sourcetest.Opened {
		b := &broker{partitions: 2, topics: map[string]*topic{}}
		want := map[record.Partition][]string{}
		at := int64(0)
		for i := range 40 {
			index, value := int32(i%2), fmt.Sprint("value ", i) //nolint:gosec // 0 or 1
			b.topic("t").add(Record{Value: []byte(value), Time: &at, Partition: &index})
			p := record.Partition{Topic: "t", Index: index}
			want[p] = append(want[p], value)
		}
		r := newReading(b.topic("t"))
		r.Finish()
		return sourcetest.Opened{Source: r, Values: want}
	})
}
