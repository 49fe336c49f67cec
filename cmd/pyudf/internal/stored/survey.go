package stored

import (
	"fmt"
	"io"
	"strings"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
)

// samples is how many entries of a step are shown.
const samples = 3

// Survey writes down what is in stores, for people to read.
type Survey struct {
	Out io.Writer
	// Key shows all entries of one key in place of samples, as Kafka has it; nil: samples.
	Key *string
}

// step is what there is of a step in one store.
type step struct {
	about *keyed.About
	// counts are by the kinds of entries.
	counts map[string]int64
	shown  []string
}

// Show writes down what is in a store.
func (s *Survey) Show(name string, store state.Store) error {
	in, err := keyed.Inspect(store)
	if err != nil {
		return fmt.Errorf("read the store %s: %w", name, err)
	}
	steps := map[*keyed.About]*step{}
	for _, about := range in.Steps {
		steps[about] = &step{about: about, counts: map[string]int64{}}
	}
	err = store.Scan(nil, func(at, value []byte) error {
		e, err := in.Entry(at, value)
		if err != nil {
			return fmt.Errorf("a key of the store %s: %w", name, err)
		}
		if e.Step != nil {
			s.take(steps[e.Step], &e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.head(name, store, in)
	for _, about := range in.Steps {
		s.step(steps[about])
	}
	return nil
}

// take counts an entry, and keeps it if it is to be shown.
func (s *Survey) take(of *step, e *keyed.Entry) {
	of.counts[e.Kind]++
	wanted := s.Key == nil && len(of.shown) < samples && (e.Kind == keyed.EntryWindow || e.Kind == keyed.EntryState)
	if s.Key != nil {
		wanted = len(e.Key) > 0 && string(key.Bytes(e.Key)) == *s.Key
	}
	if wanted {
		of.shown = append(of.shown, line(e))
	}
}

func (s *Survey) head(name string, store state.Store, in *keyed.Inspector) {
	parts := []string{name, progress.Bytes(store.Size())}
	if in.Position >= 0 {
		parts = append(parts, "at offset "+progress.Number(in.Position))
	}
	if in.Watermark == record.NoTime {
		parts = append(parts, "no watermark")
	} else {
		parts = append(parts, "watermark "+iso(in.Watermark))
	}
	if in.Spread > 0 {
		parts = append(parts, fmt.Sprintf("keys over %d partitions", in.Spread))
	}
	fmt.Fprintln(s.Out, strings.Join(parts, "  "))
}

func (s *Survey) step(of *step) {
	about := of.about
	what := about.Shape
	switch {
	case about.Windows != "":
		what = about.Windows
	case about.Function != "":
		what = about.Function
	}
	if about.At != "" {
		what = about.At + "  " + what
	}
	fmt.Fprintf(s.Out, "  %s  %s\n", what, of.contents())
	for _, text := range of.shown {
		fmt.Fprintln(s.Out, "    "+text)
	}
}

// contents says how many windows, keys and timers there are.
func (of *step) contents() string {
	if of.about.Windows != "" {
		return progress.Count(of.counts[keyed.EntryWindow], "window")
	}
	parts := []string{}
	if n := of.counts[keyed.EntryWindow]; n > 0 {
		parts = append(parts, progress.Count(n, "window"))
	}
	if n := of.counts[keyed.EntryState]; n > 0 || len(parts) == 0 {
		parts = append(parts, progress.Count(n, "key"))
	}
	if n := of.counts[keyed.EntryTimer]; n > 0 {
		parts = append(parts, progress.Count(n, "timer"))
	}
	return strings.Join(parts, ", ")
}

// line says what an entry is.
func line(e *keyed.Entry) string {
	row := rowOf(e)
	parts := []string{e.Kind}
	if row.Key != nil {
		parts = append(parts, *row.Key)
	}
	if row.WindowStart != nil {
		parts = append(parts, "from "+iso(*row.WindowStart), "to "+iso(*row.WindowEnd))
	}
	if row.Records != nil {
		parts = append(parts, progress.Count(*row.Records, "record"))
	}
	if row.Time != nil {
		parts = append(parts, words(e.Kind)+iso(*row.Time))
	}
	for _, text := range []*string{row.Value, row.Timers} {
		if text != nil {
			parts = append(parts, *text)
		}
	}
	return strings.Join(parts, "  ")
}

// words say what the time of an entry is.
func words(kind string) string {
	switch kind {
	case keyed.EntryTimer:
		return "due "
	case keyed.EntryState:
		return "last record "
	default:
		return ""
	}
}
