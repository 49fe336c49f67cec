package stored

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/key"
	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/record"
)

// Row is a key of a store with its value: a row of an exported file. All but the store's own bytes is for people to read.
type Row struct {
	// Store is the name of the store: topic-weather-0.
	Store string `parquet:"store,dict"`
	// Kind is one of keyed's kinds of entries, and Step where the user wrote the step: heat.py:12.
	Kind string `parquet:"kind,dict"`
	Step string `parquet:"step,dict"`
	// Key is an object of the key's fields, or the record's own key.
	Key *string `parquet:"key,optional"`
	// WindowStart and WindowEnd are a window's bounds; of a session its first and last record. Records is how many it has.
	WindowStart *int64 `parquet:"window_start,optional,timestamp(millisecond)"`
	WindowEnd   *int64 `parquet:"window_end,optional,timestamp(millisecond)"`
	Records     *int64 `parquet:"records,optional"`
	// Time is that of the key's latest record; of a timer when it is due, of an expiry when values expire.
	Time *int64 `parquet:"time,optional,timestamp(millisecond)"`
	// Value is an object of a window's aggregates or of a function's states, Timers one of those that are set.
	Value  *string `parquet:"value,optional"`
	Timers *string `parquet:"timers,optional"`
	// StoreKey and StoreValue are what an import takes.
	StoreKey   []byte `parquet:"store_key"`
	StoreValue []byte `parquet:"store_value"`
}

// rowOf returns what a key and its value say to people.
func rowOf(e *keyed.Entry) Row {
	row := Row{Kind: e.Kind}
	if e.Step == nil {
		return row
	}
	row.Step = e.Step.At
	row.Key = keyText(e.Step.Key, e.Key)
	if e.Kind == keyed.EntryWindow {
		row.WindowStart, row.WindowEnd, row.Records = moment(e.Start), moment(e.End), &e.Rows
	}
	switch e.Kind {
	case keyed.EntryTimer, keyed.EntryExpiry:
		row.Time = moment(e.Timers[0].Time)
		if e.Timers[0].Name != "" {
			row.Timers = timers(e.Timers)
		}
		return row
	default:
		row.Time, row.Timers = moment(e.Last), timers(e.Timers)
	}
	values := e.Aggregates
	for _, state := range e.States {
		values = append(values, keyed.Named{Name: state.Name, Value: readable(state.Value)})
	}
	row.Value = object(values)
	return row
}

func moment(ms int64) *int64 {
	if ms == record.NoTime {
		return nil
	}
	return &ms
}

// keyText returns a key as JSON: by the names of its fields, if they are known.
func keyText(fields []string, of []byte) *string {
	if len(of) == 0 {
		return nil
	}
	text := key.AppendValue(nil, of)
	var parts []json.RawMessage
	switch {
	case len(fields) == 1:
		parts = []json.RawMessage{text}
	case len(fields) > 1 && json.Unmarshal(text, &parts) == nil && len(parts) == len(fields):
	default:
		out := string(text)
		return &out
	}
	var values []keyed.Named
	for i, part := range parts {
		values = append(values, keyed.Named{Name: fields[i], Value: part})
	}
	return object(values)
}

func timers(of []keyed.NamedTime) *string {
	var values []keyed.Named
	for _, timer := range of {
		values = append(values, keyed.Named{Name: timer.Name, Value: codec.AppendString(nil, []byte(iso(timer.Time)))})
	}
	return object(values)
}

// iso writes a moment as people read it; one that no calendar has as a number.
func iso(ms int64) string {
	at := time.UnixMilli(ms).UTC()
	if at.Year() < 0 || at.Year() > 9999 {
		return json.Number(codec.AppendFloat(nil, float64(ms))).String()
	}
	return at.Format("2006-01-02T15:04:05.999Z07:00")
}

// object returns values as a JSON object, nil if there are none. What is no JSON stands in it as {"base64": ...}.
func object(values []keyed.Named) *string {
	if len(values) == 0 {
		return nil
	}
	text := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(codec.AppendString(text, []byte(v.Name)), ':')
		if json.Valid(v.Value) {
			text = append(text, v.Value...)
		} else {
			text = appendBytes(text, v.Value)
		}
	}
	out := string(append(text, '}'))
	return &out
}

func appendBytes(dst, data []byte) []byte {
	dst = append(dst, `{"base64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, data)
	return append(dst, `"}`...)
}
