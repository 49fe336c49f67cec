package exchange

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/record"
)

// row is a row as it is compared. Its key and value are null if they are "null".
type row struct {
	key, value              string
	time, watermark, offset int64
}

func blockOf(rows ...row) *Block {
	b := &Block{Input: 3, Watermark: math.MinInt64}
	for _, r := range rows {
		b.Keys.Append(text(r.key))
		b.Values.Append(text(r.value))
		b.Times = append(b.Times, r.time)
		b.Watermarks = append(b.Watermarks, r.watermark)
		b.Offsets = append(b.Offsets, r.offset)
	}
	return b
}

func text(s string) []byte {
	if s == "null" {
		return nil
	}
	return []byte(s)
}

func rowsOf(b *Block) (rows []row) {
	of := func(a *record.Arena, i int) string {
		if a.IsNull(i) {
			return "null"
		}
		return string(a.At(i))
	}
	for i := range b.Rows() {
		rows = append(rows, row{of(&b.Keys, i), of(&b.Values, i), b.Times[i], b.Watermarks[i], b.Offsets[i]})
	}
	return rows
}

// same fails the test if the blocks differ.
func same(t *testing.T, got, want *Block) {
	t.Helper()
	if got.Input != want.Input || got.Watermark != want.Watermark || got.flags() != want.flags() || got.Of != want.Of {
		t.Errorf("got input %d, watermark %d, flags %b, want %d, %d, %b", got.Input, got.Watermark, got.flags(), want.Input, want.Watermark, want.flags())
	}
	if !slices.Equal(rowsOf(got), rowsOf(want)) {
		t.Errorf("got rows %.500v, want %.500v", rowsOf(got), rowsOf(want))
	}
}

func mustDecode(t *testing.T, data []byte) *Block {
	t.Helper()
	b, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func random(r *rand.Rand, rows int) *Block {
	b := blockOf()
	for range rows {
		n := blockOf(row{
			key: fmt.Sprintf(`"%d"`, r.IntN(50)), value: strings.Repeat("v", r.IntN(300)),
			time: r.Int64() >> r.IntN(64), watermark: math.MinInt64 + r.Int64()>>r.IntN(64), offset: r.Int64N(1 << 40),
		})
		if r.IntN(20) == 0 {
			n = blockOf(row{key: "null", value: "null", time: math.MaxInt64, watermark: math.MinInt64, offset: -1})
		}
		b.Keys.Append(n.Keys.At(0))
		b.Values.Append(n.Values.At(0))
		b.Times = append(b.Times, n.Times[0])
		b.Watermarks = append(b.Watermarks, n.Watermarks[0])
		b.Offsets = append(b.Offsets, n.Offsets[0])
	}
	b.Input, b.Watermark = r.Int32(), r.Int64()
	b.Idle, b.Ended, b.Partial = r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0
	if b.Partial {
		b.Of = "window-0a1b2c3d"
	}
	return b
}

func TestABlockIsReadAsItWasWritten(t *testing.T) {
	none, end := int64(math.MinInt64), int64(math.MaxInt64)
	for name, b := range map[string]*Block{
		"no rows":         {Watermark: 7, Idle: true},
		"no watermark":    {Input: math.MaxInt32, Watermark: math.MinInt64, Ended: true},
		"one row":         blockOf(row{`"a"`, `{}`, 5, none, 0}),
		"extreme numbers": blockOf(row{"k", "v", none, end, end}, row{"k", "v", end, none, none}, row{"k", "v", 0, 0, 0}),
		"empty and null":  blockOf(row{"", "null", 1, 1, 1}, row{"null", "", 2, 2, 2}, row{"k", "v", 3, 3, 3}),
		"long texts":      blockOf(row{strings.Repeat("k", 127), strings.Repeat("v", 128), 1, 1, 1}, row{"k", strings.Repeat("v", 70_000), 1, 1, 1}),
	} {
		t.Run(name, func(t *testing.T) { same(t, mustDecode(t, b.Append(nil)), b) })
	}
	for range 100 {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a failure must be repeatable
		b := random(r, r.IntN(300))
		if same(t, mustDecode(t, b.Append(nil)), b); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestABlockIsAppendedBehindWhatIsThere(t *testing.T) {
	b := blockOf(row{"k", "v", 1, 1, 1})
	data := b.Append([]byte("before"))
	if !bytes.HasPrefix(data, []byte("before")) {
		t.Errorf("wrote %q", data)
	}
	same(t, mustDecode(t, data[len("before"):]), b)
}

func TestTheFormatStaysAsItIs(t *testing.T) {
	b := blockOf(row{`"a"`, `{"x":1}`, 1000, math.MinInt64, 7}, row{"null", `{}`, 1010, 995, 8})
	b.Watermark, b.Idle = 1005, true
	want := "020103da0f02d00f14ffffffffffffffffff01b9f0ffffffffffffff010e0204000803" + hex.EncodeToString([]byte(`"a"{"x":1}{}`))
	data := b.Append(nil)
	if got := hex.EncodeToString(data); got != want {
		t.Errorf("got  %s\nwant %s: raise the version if this is meant", got, want)
	}
	same(t, mustDecode(t, data), b)
}

func TestAStrangeBlockIsRefusedWithWhatToDo(t *testing.T) {
	whole := blockOf(row{"k", "v", 1, 1, 1}, row{"k", "v", 1, 1, 1}).Append(nil)
	for name, c := range map[string]struct {
		data []byte
		want []string
	}{
		"nothing":          {nil, []string{"ends too early", "nothing but this app"}},
		"another version":  {append([]byte{9}, whole[1:]...), []string{"version 9", "same version in all processes"}},
		"JSON":             {[]byte(`{"a":1}`), []string{"version 123", "something else writes"}},
		"unknown flags":    {append([]byte{version, 0x80}, whole[2:]...), []string{"out of its range"}},
		"one byte more":    {append(slices.Clone(whole), 0), []string{"does not end"}},
		"one byte less":    {whole[:len(whole)-1], []string{"ends too early"}},
		"too many rows":    {[]byte{version, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f}, []string{"ends too early"}},
		"an endless digit": {append([]byte{version, 0}, bytes.Repeat([]byte{0xff}, 20)...), []string{"out of its range"}},
		"a large input":    {[]byte{version, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0}, []string{"out of its range"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(c.data)
			for _, word := range c.want {
				if err == nil || !strings.Contains(err.Error(), word) {
					t.Errorf("error %v does not mention %q", err, word)
				}
			}
		})
	}
}

func TestEveryShorterBlockIsRefused(t *testing.T) {
	whole := random(rand.New(rand.NewPCG(1, 2)), 20).Append(nil) //nolint:gosec // any block
	for size := range whole {
		if _, err := Decode(whole[:size]); err == nil {
			t.Errorf("%d of %d bytes are a block", size, len(whole))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(blockOf(row{"k", "null", 1, 2, 3}).Append(nil))
	f.Add([]byte{version, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Decode(data)
		if err != nil {
			return
		}
		same(t, mustDecode(t, b.Append(nil)), b)
		for _, part := range b.Cut(40) {
			same(t, mustDecode(t, part.Append(nil)), part)
		}
	})
}
