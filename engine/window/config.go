package window

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pyudf/pyudf/engine/record"
)

// Kind is a kind of window.
type Kind uint8

// The kinds of windows.
const (
	// Aligned windows start every Every ms from Offset on and are Size ms long: tumbling and hopping.
	Aligned Kind = iota
	// Sliding windows reach from a record back over Length ms.
	Sliding
	// Session windows are of records that follow each other within a gap.
	Session
	// Count windows are of the last Size records, after each Every.
	Count
	// Global is one window for all records.
	Global
	// Custom windows are those of a user's class.
	Custom
)

// Emit says when results are given.
type Emit uint8

// The ways to give results.
const (
	// Final results are given once, at the close.
	Final Emit = iota
	// Updates are given at every commit for the windows that changed.
	Updates
	// Early results are given at every tick for the windows that changed, and the final one at the close.
	Early
	// OnTime results are given when the watermark passes the end, and again at each later change.
	OnTime
)

// Config says which windows an operator has. Times are in ms.
type Config struct {
	Kind   Kind
	Emit   Emit
	Size   int64 // of Aligned; of Count in records
	Every  int64 // of Aligned; of Count in records
	Offset int64
	Length int64 // of Sliding
	Gap    int64 // of Session, where rows have none of their own
	// MinEvents is how many records a session must have to be given at all.
	MinEvents int64
	// MaxDuration is the longest time from a session's first to its last record; 0: without limit.
	MaxDuration int64
	// CloseOn tells that rows may be the last of their session (Rows.Closes).
	CloseOn bool
	Grace   int64
}

// String says which windows there are, but not when they are given.
func (c *Config) String() string {
	switch c.Kind {
	case Sliding:
		return "sliding windows of " + Duration(c.Length)
	case Session:
		words := "sessions with a gap of " + Duration(c.Gap)
		if c.MaxDuration > 0 {
			words += ", at most " + Duration(c.MaxDuration) + " long"
		}
		if c.CloseOn {
			words += ", ended by a condition"
		}
		return words
	case Count:
		return fmt.Sprintf("windows of %d records after every %d", c.Size, c.Every)
	case Custom:
		return "custom windows"
	case Global:
		return "one window"
	default:
		words := "windows of " + Duration(c.Size)
		if c.Every != c.Size {
			words += " every " + Duration(c.Every)
		}
		if c.Offset != 0 {
			words += ", shifted by " + Duration(c.Offset)
		}
		return words
	}
}

// Duration writes a number of ms as people do: 1h30m, 24h, 250ms.
func Duration(ms int64) string {
	text := (time.Duration(ms) * time.Millisecond).String()
	for _, nothing := range []struct{ behind, zero string }{{"m", "0s"}, {"h", "0m"}} {
		if short, ok := strings.CutSuffix(text, nothing.behind+nothing.zero); ok {
			text = short + nothing.behind
		}
	}
	return text
}

// Validate returns what is wrong with a config, in words for the user.
func (c *Config) Validate() error {
	for _, fault := range []struct {
		is      bool
		message string
	}{
		{c.Kind == Aligned && (c.Size <= 0 || c.Every <= 0), "the window needs a length"},
		{c.Kind == Aligned && c.Every > c.Size, "the windows start further apart than they are long, so that records between them would be lost: make every at most the size"},
		{c.Kind == Count && (c.Size <= 0 || c.Every <= 0), "a count window needs a number of records"},
		{c.Kind == Count && c.Emit != Final, "a count window gives its result when it is full: leave emit out"},
		{c.Kind == Session && c.ordered() && c.Emit != Final, "a session with max_duration or close_on is known when it is over: leave emit out"},
		{c.Kind == Custom && c.Emit == OnTime, "when a custom window closes is said by its class: take updates or early results"},
		{c.Kind == Global && c.Emit == OnTime, "a global window has no end to be on time for: take updates or early results"},
	} {
		if fault.is {
			return errors.New(fault.message)
		}
	}
	return nil
}

// ordered tells whether the bounds of sessions show only in event-time order.
func (c *Config) ordered() bool { return c.MaxDuration > 0 || c.CloseOn }

const (
	// MinTime is the watermark before there is one.
	MinTime = record.NoTime
	// MaxTime is the watermark after the last record.
	MaxTime = record.MaxTime
)

// plus returns a + b, at the ends of time at most.
func plus(a, b int64) int64 {
	sum := a + b
	if b > 0 && sum < a {
		return MaxTime
	}
	if b < 0 && sum > a {
		return MinTime
	}
	return sum
}

// floor returns the largest multiple of step below or at t - offset, plus offset.
func floor(t, offset, step int64) int64 {
	rest := (t - offset) % step
	if rest < 0 {
		rest += step
	}
	return t - rest
}
