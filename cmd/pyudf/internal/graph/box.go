package graph

import (
	"fmt"
	"path"
	"strings"
)

// box is a source or step as all drawings show it: a title, where the user wrote it, and a line for each thing done.
type box struct {
	title string
	note  string
	lines []line
	kind  kind
	next  []*box
	// sends and takes name a way between stages by the step that needs it: its one end and its other.
	sends, takes string
}

// kind decides the shape of a box.
type kind int

const (
	stepBox kind = iota
	topicBox
	fileBox
)

// line is one thing done, in Go or in Python. More belongs to the line above it.
type line struct {
	lane lane
	text string
}

type lane string

const (
	inGo     lane = "Go"
	inPython lane = "Python"
	more     lane = ""
)

// boxes returns the tree of a stage.
func (g *Graph) boxes(stage Stage) *box {
	root := g.sourceBox(stage.Source)
	byID := map[string]*box{stage.Source.ID: root}
	for _, step := range stage.Steps {
		drawn := g.stepBox(step)
		byID[step.ID] = drawn
		byID[step.Input].next = append(byID[step.Input].next, drawn)
	}
	return root
}

func (g *Graph) sourceBox(source Source) *box {
	scans := "looks into no field; all pass through as they are"
	if len(source.Scans) > 0 {
		scans = "looks for " + strings.Join(source.Scans, ", ") + "; other fields pass through as they are"
	}
	drawn := &box{title: source.Kind + " " + source.Name, note: place(source.DefinedAt), kind: shape(source.Kind)}
	switch source.Kind {
	case memory:
		drawn.title, drawn.takes = memory, source.ID
		drawn.lines = []line{{inGo, fmt.Sprintf("takes what stage %d hands over", source.From)}, {more, scans}}
	case "repartition":
		drawn.title, drawn.takes = "topic "+source.Name, source.ID
		drawn.lines = []line{{inGo, fmt.Sprintf("reads what stage %d sends", source.From)}, {more, scans}}
	default:
		drawn.lines = []line{{inGo, "reads " + source.about()}, {more, scans}}
	}
	if source.EventTime != nil {
		drawn.lines = append(drawn.lines, line{more, source.EventTime.words(g.DeadLetters)})
	}
	return drawn
}

func (s Source) about() string {
	about := []string{s.Format}
	if s.Key != "" {
		about = append(about, "keyed by "+s.Key)
	}
	if s.Time != "" && s.EventTime == nil {
		about = append(about, "event time in "+s.Time)
	}
	return strings.Join(about, ", ")
}

// place leaves the directory out: drawings are for people, who know where their file is.
func place(definedAt string) string {
	if definedAt == "" {
		return ""
	}
	return path.Base(definedAt)
}

func shape(kind string) kind {
	switch kind {
	case "file":
		return fileBox
	case memory:
		return stepBox
	default:
		return topicBox
	}
}

func (g *Graph) stepBox(step Step) *box {
	drawn := &box{title: strings.ReplaceAll(step.Kind, "_", " "), note: place(step.DefinedAt)}
	if step.Sink != nil {
		drawn.title, drawn.kind = step.Sink.Kind+" "+step.Sink.Name, shape(step.Sink.Kind)
	}
	if step.KeyBy != nil && step.KeyBy.Stage > 0 {
		drawn.sends = step.ID
	}
	for i, text := range step.Go {
		lane := inGo
		if step.KeyBy != nil && i > 0 {
			lane = more
		}
		drawn.lines = append(drawn.lines, line{lane, text})
	}
	for _, call := range step.Python {
		drawn.lines = append(drawn.lines, line{inPython, call.signature()}, line{more, g.manners(call)})
		if keeps := call.keeps(); keeps != "" {
			drawn.lines = append(drawn.lines, line{more, keeps})
		}
	}
	return drawn
}

// signature shows a call as Python would declare it, with the field behind a parameter of another name.
func (c Call) signature() string {
	args := make([]string, 0, len(c.Columns))
	for _, argument := range c.Columns {
		text := argument.Parameter + ": " + argument.Type
		if argument.Nullable {
			text += " or null"
		}
		if argument.Field != argument.Parameter {
			text += " = " + argument.Field
		}
		args = append(args, text)
	}
	if c.Sends == "records" {
		args = append(args, "record")
	}
	text := fmt.Sprintf("%s(%s) -> %s", c.Function, strings.Join(args, ", "), c.Returns)
	if c.Column == "" {
		return text
	}
	return c.Column + " = " + text
}

// manners says what travels, and what happens to nulls, errors and calls that do not return.
func (g *Graph) manners(call Call) string {
	travels := "whole records travel"
	if call.Sends == "columns" {
		travels = fmt.Sprintf("%d columns travel", len(call.Columns))
		if len(call.Columns) == 1 {
			travels = "1 column travels"
		}
	}
	parts := []string{travels}
	groups := call.Kind == "groups" || call.Kind == "aggregator"
	if call.takesNoNull() {
		without := "a null gives null without a call"
		if groups {
			without = "a record with a null is left out"
		}
		parts = append(parts, map[string]string{
			"null": without,
			"call": "a null is passed as None",
			"dlq":  "a null sends the record to " + g.DeadLetters,
		}[call.OnNull])
	}
	fails := "a record that raises"
	if groups {
		fails = "a window for which it raises"
	}
	parts = append(parts, map[string]string{
		"dlq":  fails + " goes to " + g.DeadLetters,
		"skip": fails + " is left out",
		"stop": fails + " stops the run",
	}[call.OnError])
	if call.TimeoutMS > 0 {
		parts = append(parts, "at most "+limit(call.TimeoutMS)+" a call")
	}
	return strings.Join(filled(parts), "; ")
}

// limit writes milliseconds in the largest unit that fits.
func limit(ms uint64) string {
	switch {
	case ms%60_000 == 0:
		return fmt.Sprintf("%d min", ms/60_000)
	case ms%1000 == 0:
		return fmt.Sprintf("%d s", ms/1000)
	default:
		return fmt.Sprintf("%d ms", ms)
	}
}

func (c Call) takesNoNull() bool {
	for _, argument := range c.Columns {
		if !argument.Nullable {
			return true
		}
	}
	return false
}

func filled(parts []string) []string {
	var out []string
	for _, part := range parts {
		if part != "" {
			out = append(out, part)
		}
	}
	return out
}
