package exchange

import (
	"fmt"
	"testing"
)

// readings is a block as the weather pipeline makes them.
func readings(rows int) *Block {
	all := make([]row, rows)
	for i := range all {
		ts := 1_700_000_000_000 + int64(i)*250
		all[i] = row{fmt.Sprintf(`"station-%03d"`, i%100), fmt.Sprintf(`{"station":"station-%03d","ts":%d,"temp":%d.5}`, i%100, ts, i%40), ts, ts - 5000, int64(i * 3)}
	}
	b := blockOf(all...)
	b.Watermark = b.Watermarks[rows-1]
	return b
}

func BenchmarkAppend(b *testing.B) {
	block := readings(5000)
	var data []byte
	for b.Loop() {
		data = block.Append(data[:0])
	}
	perRow(b, block, data)
}

func BenchmarkDecode(b *testing.B) {
	block := readings(5000)
	data := block.Append(nil)
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, block, data)
}

func BenchmarkCut(b *testing.B) {
	block := readings(5000)
	for b.Loop() {
		block.Cut(64 << 10)
	}
	perRow(b, block, block.Append(nil))
}

func perRow(b *testing.B, block *Block, data []byte) {
	b.Helper()
	rows := float64(block.Rows())
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
	b.ReportMetric(float64(len(data)-len(block.Keys.Data)-len(block.Values.Data))/rows, "bytes-around/row")
}
