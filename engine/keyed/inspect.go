package keyed

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pyudf/pyudf/engine/aggregate"
	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/fold"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/window"
)

// Inspector reads the store of a task without its app.
type Inspector struct {
	// Position is that of the input which the state reflects, -1 if it was not saved; Watermark is record.NoTime if there
	// is none.
	Position, Watermark int64
	// Spread is over how many partitions the keys are spread, 0 if that was not saved.
	Spread int
	Steps  []*About

	columns map[*About][]aggregateColumn
}

// aggregateColumn is a column with one cell.
type aggregateColumn struct {
	aggregate.Column

	name   string
	result record.Type
}

// What an entry is of.
const (
	EntryTask   = "task"   // what is known of the task
	EntryWindow = "window" // an open window, or a part of windows
	EntryState  = "state"  // what a function keeps for a key
	EntryTimer  = "timer"  // when a timer of a key is due
	EntryExpiry = "expiry" // when values of a key expire
)

// Entry is a key of a store with its value, as far as they can be read.
type Entry struct {
	Kind string
	// Step is nil for what is of the whole task.
	Step *About
	// Key is written as package key says; nil if there is none.
	Key []byte
	// Start and End are the window's bounds; of a session the first and the last record. Both are record.NoTime if there are
	// none. Rows is how many records a window has.
	Start, End, Rows int64
	// Aggregates are those of a window.
	Aggregates []Named
	// Last is when the key's latest record was; record.NoTime if that is not known. States are as the function's worker
	// encodes them; those that have no value are left out, as are timers that are not set.
	Last   int64
	States []Named
	Timers []NamedTime
}

// Named is a value with its name.
type Named struct {
	Name  string
	Value []byte
}

// NamedTime is a moment with its name.
type NamedTime struct {
	Name string
	Time int64
}

// Inspect reads what a store says of itself.
func Inspect(store state.Store) (*Inspector, error) {
	in := &Inspector{Watermark: record.NoTime, columns: map[*About][]aggregateColumn{}}
	var err error
	if in.Position, err = Position(store); err != nil {
		return nil, err
	}
	if in.Spread, err = Spread(store); err != nil {
		return nil, err
	}
	saved, ok, err := store.Get([]byte(keyClock))
	if err == nil && ok {
		c := newClock(0, 0)
		err = c.load(saved)
		in.Watermark = c.watermark
	}
	if err != nil {
		return nil, err
	}
	err = store.Scan([]byte(keyShape), func(at, shape []byte) error {
		in.Steps = append(in.Steps, &About{Step: strings.TrimPrefix(string(at), keyShape), Shape: string(shape)})
		return nil
	})
	for _, about := range in.Steps {
		if err == nil {
			err = in.open(store, about)
		}
	}
	return in, err
}

// open reads what a store says of a step.
func (in *Inspector) open(store state.Store, about *About) error {
	saved, ok, err := store.Get([]byte(keyAbout + about.Step))
	if err != nil || !ok {
		return err
	}
	if err = json.Unmarshal(saved, about); err != nil {
		return fmt.Errorf("what the store says of the step %s is damaged: %w", about.Step, err)
	}
	for i := range about.Aggregates {
		column, result, err := about.Aggregates[i].column()
		if err != nil {
			return fmt.Errorf("the aggregate %s: %w", about.Aggregates[i].Name, err)
		}
		column.Grow(1)
		in.columns[about] = append(in.columns[about], aggregateColumn{column, about.Aggregates[i].Name, result})
	}
	return nil
}

// Entry reads a key and its value. The result may point into both.
func (in *Inspector) Entry(at, value []byte) (Entry, error) {
	for _, about := range in.Steps {
		if len(at) == 0 || !strings.HasPrefix(string(at[1:]), about.Step+"/") {
			continue
		}
		rest := at[1+len(about.Step)+1:]
		e := Entry{Step: about, Start: record.NoTime, End: record.NoTime, Last: record.NoTime}
		switch string(at[:1]) {
		case keyCells:
			return e, in.window(&e, value)
		case keyValues:
			e.Kind, e.Key = EntryState, rest
			return e, e.kept(value)
		case keyTimers:
			e.Kind = EntryTimer
			return e, e.timer(rest)
		case keyExpiry:
			e.Kind = EntryExpiry
			return e, e.timer(rest)
		}
	}
	return Entry{Kind: EntryTask, Start: record.NoTime, End: record.NoTime, Last: record.NoTime}, nil
}

func (in *Inspector) window(e *Entry, value []byte) error {
	e.Kind = EntryWindow
	saved, err := window.Decode(value)
	if err != nil {
		return err
	}
	e.Key, e.Rows = saved.Key, saved.Rows
	if saved.Start != window.MinTime || saved.End != window.MaxTime {
		e.Start, e.End = saved.Start, saved.End
	}
	rest := saved.Accumulators
	for _, column := range in.columns[e.Step] {
		if rest, err = column.Load(0, rest); err != nil {
			return fmt.Errorf("the aggregate %s of a window: %w", column.name, err)
		}
		out := record.NewBuilder(column.result, 1)
		column.Result(0, out)
		result := out.Column()
		text := codec.AppendValue(nil, &result, 0)
		if _, rows := column.Column.(*fold.Column); rows {
			text, err = content(result.Text.At(0))
		}
		column.Clear(0)
		if err != nil {
			return err
		}
		e.Aggregates = append(e.Aggregates, Named{column.name, text})
	}
	return nil
}

// content returns what a window keeps for a user's function as JSON: its rows, and the states that stand for earlier ones.
func content(data []byte) ([]byte, error) {
	kept, err := fold.Decode(data)
	if err != nil {
		return nil, err
	}
	out := struct {
		Rows   []json.RawMessage `json:"rows"`
		States []string          `json:"states,omitempty"`
	}{Rows: []json.RawMessage{}}
	add := func(rows []fold.Row) {
		for _, row := range rows {
			out.Rows = append(out.Rows, row.Text)
		}
	}
	for _, line := range kept.Lines {
		if line.State != nil {
			out.States = append(out.States, base64.StdEncoding.EncodeToString(line.State))
		}
		for _, chunk := range line.Chunks {
			add(chunk)
		}
	}
	add(fold.Sorted(kept.Tail))
	return json.Marshal(out)
}

// kept reads what a function keeps. Of a step that says nothing of itself it reads nothing.
func (e *Entry) kept(value []byte) error {
	about := e.Step
	if about.Function == "" {
		return nil
	}
	v := kept{states: make([][]byte, len(about.States)), timers: make([]int64, len(about.Timers)), stored: make([]int64, len(about.Timers))}
	if err := v.decode(value); err != nil {
		return err
	}
	e.Last = v.last
	for i, state := range v.states {
		if state != nil {
			e.States = append(e.States, Named{about.States[i], state})
		}
	}
	for i, timer := range v.timers {
		if timer != record.NoTime {
			e.Timers = append(e.Timers, NamedTime{about.Timers[i], timer})
		}
	}
	return nil
}

// timer reads the place of something that happens at a time.
func (e *Entry) timer(at []byte) error {
	if len(at) < 9 {
		return errors.New("the saved time of a key is damaged")
	}
	time := int64(binary.BigEndian.Uint64(at) ^ 1<<63) //nolint:gosec // as it was written
	e.Key = at[9:]
	name := ""
	if number := int(at[8]); e.Kind == EntryTimer && number < len(e.Step.Timers) {
		name = e.Step.Timers[number]
	}
	e.Timers = []NamedTime{{name, time}}
	return nil
}
