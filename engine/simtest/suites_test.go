package simtest_test

import (
	"fmt"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/simtest"
	"github.com/pyudf/pyudf/engine/sink"
	"github.com/pyudf/pyudf/engine/sink/sinktest"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/source/sourcetest"
)

func TestASourceKeepsThePromisesOfSources(t *testing.T) {
	sourcetest.Suite(t, func(t *testing.T) sourcetest.Opened {
		opened := sourcetest.Opened{Values: map[record.Partition][]string{}, Fourth: 3}
		cluster := simtest.NewCluster(simtest.NewDirect())
		cluster.Create("in", 2)
		for i := range int32(2) {
			p := record.Partition{Topic: "in", Index: i}
			for n := range 1200 {
				value := fmt.Sprintf(`{"partition":%d,"n":%d}`, i, n)
				cluster.Append("in", i, nil, []byte(value))
				opened.Values[p] = append(opened.Values[p], value)
			}
		}
		s, err := cluster.OpenSource(t.Context(), &simtest.Client{Name: "a"}, "in", "a")
		if err != nil {
			t.Fatal(err)
		}
		s.UntilEnd()
		opened.Source = s
		return opened
	})
}

func TestAnOutletKeepsThePromisesOfOutlets(t *testing.T) {
	sinktest.Outlets(t, func(*testing.T) sinktest.Broker {
		cluster, client := simtest.NewCluster(simtest.NewDirect()), &simtest.Client{Name: "a"}
		cluster.Create("in", 1)
		for range 3 {
			cluster.Append("in", 0, nil, []byte("{}"))
		}
		visible := func(*testing.T) []string {
			var values []string
			for _, r := range cluster.Committed("out") {
				values = append(values, string(r.Value))
			}
			return values
		}
		return sinktest.Broker{
			Open: func(t *testing.T, id string) (sink.Outlet, sink.Log) {
				t.Helper()
				outlet, err := cluster.OpenOutlet(t.Context(), client, id)
				if err != nil {
					t.Fatal(err)
				}
				log, err := outlet.OpenTopic(t.Context(), "out", 1)
				if err != nil {
					t.Fatal(err)
				}
				return outlet, log
			},
			Delivered: visible, Visible: visible,
			Join: func(t *testing.T) source.Source {
				t.Helper()
				s, err := cluster.OpenSource(t.Context(), client, "in", "a")
				if err != nil {
					t.Fatal(err)
				}
				return s
			},
		}
	})
}
