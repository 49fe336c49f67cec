package graph

import (
	"encoding/json"
	"fmt"
)

// Graph is a plan as a reader wants to see it. Its JSON form is an interface: fields are added, never changed.
type Graph struct {
	App string `json:"app"`
	// DeadLetters is the topic or file of the records that no step could handle.
	DeadLetters string  `json:"dead_letters"`
	Stages      []Stage `json:"stages"`
}

// Stage is what happens to the records of one source within one process, without a hop through another topic.
type Stage struct {
	Source Source `json:"source"`
	// Steps stand after the step that they read.
	Steps []Step `json:"steps"`
}

// Source is where the records of a stage come from.
type Source struct {
	ID string `json:"id"`
	// Kind is topic or file; of a stage that another one feeds repartition, a topic, or memory.
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Format    string `json:"format"`
	Key       string `json:"key,omitempty"`
	Time      string `json:"time,omitempty"`
	DefinedAt string `json:"defined_at,omitempty"`
	// Scans are the fields that the engine looks for in each record; all others pass through as they are.
	Scans []string `json:"scans"`
	// EventTime is set where some step needs it.
	EventTime *EventTime `json:"event_time,omitempty"`
	// From is the number of the stage that feeds this one.
	From int `json:"from,omitempty"`
}

// Step is one operation.
type Step struct {
	ID        string `json:"id"`
	Input     string `json:"input"`
	Kind      string `json:"kind"` // with_columns, where, select, drop, map, key_by, aggregate or to
	DefinedAt string `json:"defined_at,omitempty"`
	// Go is what the engine does itself.
	Go []string `json:"go"`
	// Python is what travels to a worker.
	Python []Call `json:"python"`
	Sink   *Sink  `json:"sink,omitempty"`
	KeyBy  *KeyBy `json:"key_by,omitempty"`
	// Window and Aggregates are those of an aggregate; aggregates in Python are calls.
	Window     *Window     `json:"window,omitempty"`
	Aggregates []Aggregate `json:"aggregates,omitempty"`
}

// Call is a function that a step calls.
type Call struct {
	Function string `json:"function"`
	// Kind is scalar, record, vectorised, groups or aggregator.
	Kind      string `json:"kind"`
	DefinedAt string `json:"defined_at,omitempty"`
	// Column is the field that the result becomes; empty if the results are records.
	Column string `json:"column,omitempty"`
	// Sends is what travels: columns, or whole records.
	Sends     string     `json:"sends"`
	Columns   []Argument `json:"columns"`
	Returns   string     `json:"returns"`
	OnNull    string     `json:"on_null,omitempty"`
	OnError   string     `json:"on_error"`
	TimeoutMS uint64     `json:"timeout_ms,omitempty"`
	States    []State    `json:"states,omitempty"`
	Timers    []Timer    `json:"timers,omitempty"`
}

// Argument is a column that travels.
type Argument struct {
	Parameter string `json:"parameter"`
	Field     string `json:"field"`
	Type      string `json:"type"`
	Nullable  bool   `json:"nullable"`
}

// Sink is where a step writes to.
type Sink struct {
	Kind   string `json:"kind"` // topic or file
	Name   string `json:"name"`
	Format string `json:"format"`
}

// Formats are the formats that Render knows, the default first.
func Formats() []string { return []string{"text", "json", "dot", "svg"} }

// Render returns the graph in a format. Its error names the flag to mend.
func (g *Graph) Render(format string) (string, error) {
	switch format {
	case "text":
		return g.text(), nil
	case "json":
		text, err := json.MarshalIndent(g, "", "  ")
		if err != nil {
			return "", fmt.Errorf("writing the plan as JSON: %w", err)
		}
		return string(text) + "\n", nil
	case "dot":
		return g.dot(), nil
	case "svg":
		return g.svg(), nil
	default:
		return "", fmt.Errorf("--format %s: write text, json, dot or svg", format)
	}
}
