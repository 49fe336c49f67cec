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
	root := sourceBox(stage.Source)
	byID := map[string]*box{stage.Source.ID: root}
	for _, step := range stage.Steps {
		drawn := g.stepBox(step)
		byID[step.ID] = drawn
		byID[step.Input].next = append(byID[step.Input].next, drawn)
	}
	return root
}

func sourceBox(source Source) *box {
	about := []string{source.Format}
	if source.Key != "" {
		about = append(about, "keyed by "+source.Key)
	}
	if source.Time != "" {
		about = append(about, "event time in "+source.Time)
	}
	scans := "looks into no field; all pass through as they are"
	if len(source.Scans) > 0 {
		scans = "looks for " + strings.Join(source.Scans, ", ") + "; other fields pass through as they are"
	}
	return &box{
		title: source.Kind + " " + source.Name,
		note:  place(source.DefinedAt),
		kind:  shape(source.Kind),
		lines: []line{{inGo, "reads " + strings.Join(about, ", ")}, {more, scans}},
	}
}

// place leaves the directory out: drawings are for people, who know where their file is.
func place(definedAt string) string {
	if definedAt == "" {
		return ""
	}
	return path.Base(definedAt)
}

func shape(kind string) kind {
	if kind == "file" {
		return fileBox
	}
	return topicBox
}

func (g *Graph) stepBox(step Step) *box {
	drawn := &box{title: strings.ReplaceAll(step.Kind, "_", " "), note: place(step.DefinedAt)}
	if step.Sink != nil {
		drawn.title, drawn.kind = step.Sink.Kind+" "+step.Sink.Name, shape(step.Sink.Kind)
	}
	for _, text := range step.Go {
		drawn.lines = append(drawn.lines, line{inGo, text})
	}
	for _, call := range step.Python {
		drawn.lines = append(drawn.lines, line{inPython, call.signature()}, line{more, g.manners(call)})
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
	if call.takesNoNull() {
		parts = append(parts, map[string]string{
			"null": "a null gives null without a call",
			"call": "a null is passed as None",
			"dlq":  "a null sends the record to " + g.DeadLetters,
		}[call.OnNull])
	}
	parts = append(parts, map[string]string{
		"dlq":  "a record that raises goes to " + g.DeadLetters,
		"skip": "a record that raises is left out",
		"stop": "a record that raises stops the run",
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
