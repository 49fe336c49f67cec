package exchange

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestACutBlockHasTheSameRowsInOrderAndNoPartIsTooLarge(t *testing.T) {
	for range 200 {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a failure must be repeatable
		b, limit := random(r, r.IntN(200)), 50+r.IntN(5000)
		if checkCut(t, b, limit); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkCut(t *testing.T, b *Block, limit int) {
	t.Helper()
	var rows []row
	parts := b.Cut(limit)
	for i, part := range parts {
		data := part.Append(nil)
		if len(data) > limit && part.Rows() > 1 {
			t.Errorf("part %d has %d bytes, more than %d", i, len(data), limit)
		}
		same(t, mustDecode(t, data), part)
		rows = append(rows, rowsOf(part)...)
		if last := i == len(parts)-1; !last && (part.Idle || part.Ended || part.Watermark != part.Watermarks[part.Rows()-1]) {
			t.Errorf("part %d says what holds after all rows", i)
		} else if last && (part.Idle != b.Idle || part.Ended != b.Ended || part.Watermark != b.Watermark) {
			t.Error("the last part does not say what holds after all rows")
		}
		if part.Input != b.Input || part.Partial != b.Partial {
			t.Errorf("part %d is of another input or kind", i)
		}
	}
	if !slices.Equal(rows, rowsOf(b)) {
		t.Errorf("%d rows in %d parts, want %d", len(rows), len(parts), b.Rows())
	}
}

func TestABlockThatFitsIsNotCut(t *testing.T) {
	for _, b := range []*Block{blockOf(), blockOf(row{"k", strings.Repeat("v", 5000), 1, 1, 1}), blockOf(row{"k", "v", 1, 1, 1}, row{"k", "v", 1, 1, 1})} {
		if parts := b.Cut(1000); len(parts) != 1 || parts[0] != b {
			t.Errorf("%d rows in %d parts", b.Rows(), len(parts))
		}
	}
}

func TestARowThatIsTooLargeIsAlone(t *testing.T) {
	small, large := row{"k", "v", 1, 1, 1}, row{"k", strings.Repeat("v", 5000), 1, 1, 1}
	parts := blockOf(small, small, large, small).Cut(1000)
	var rows []int
	for _, part := range parts {
		rows = append(rows, part.Rows())
	}
	if !slices.Equal(rows, []int{2, 1, 1}) {
		t.Errorf("parts of %v rows", rows)
	}
}
