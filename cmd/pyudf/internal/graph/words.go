package graph

import (
	"fmt"
	"strconv"
	"strings"
)

// words say how records get their key, and how they reach its process.
func (k *KeyBy) words() []string {
	names := make([]string, len(k.Fields))
	for i, field := range k.Fields {
		names[i] = field.Name + ": " + field.Type
	}
	through := "through the topic " + k.Through
	if k.Through == memory {
		through = "in process"
	}
	where := fmt.Sprintf(" travel %s to stage %d: %s", through, k.Stage, k.Why)
	how := map[string]string{
		noHop:          "no hop: " + k.Why,
		recordsTravel:  "records" + where,
		partialsTravel: "partial results of each batch, not records," + where,
	}
	return []string{"keys by " + strings.Join(names, ", "), how[k.Travels]}
}

// words show an aggregate as Python would declare it.
func (a Aggregate) words() string {
	var args []string
	if a.Argument != "" {
		args = append(args, a.Argument+": "+a.ArgumentType)
	}
	if a.Quantile != nil {
		args = append(args, strconv.FormatFloat(*a.Quantile, 'g', -1, 64))
	}
	if a.Limit > 0 {
		args = append(args, strconv.FormatUint(a.Limit, 10))
	}
	if a.DDOF != nil && *a.DDOF != 1 {
		args = append(args, fmt.Sprintf("ddof=%d", *a.DDOF))
	}
	return fmt.Sprintf("%s = %s(%s) -> %s", a.Column, a.Op, strings.Join(args, ", "), a.Returns)
}

// words say what is known of the time of a source's records, which go to deadLetters if it is wrong.
func (t *EventTime) words(deadLetters string) string {
	parts := []string{"event time is the record's timestamp"}
	if t.Field != "" {
		unit := map[string]string{"auto": ", ISO 8601 or a number", "unspecified": ", ISO 8601 or a number", "iso": ", ISO 8601"}[t.Unit]
		if unit == "" {
			unit = " in " + t.Unit
		}
		parts = []string{"event time is " + t.Field + unit}
	}
	if t.OutOfOrderMS > 0 {
		parts = append(parts, "up to "+span(t.OutOfOrderMS)+" out of order")
	}
	switch {
	case t.ends:
	case t.IdleMS > 0:
		parts = append(parts, "idle after "+span(t.IdleMS)+" without records")
	default:
		parts = append(parts, "never idle")
	}
	if t.MaxFutureMS > 0 {
		parts = append(parts, "what is over "+span(t.MaxFutureMS)+" ahead of the clock goes to "+deadLetters)
	}
	return strings.Join(parts, "; ")
}

// keeps says what a function keeps for each key; nothing of one without states and timers.
func (c Call) keeps() string {
	var parts []string
	for _, state := range c.States {
		text := "keeps " + state.Name
		if state.TTLMS > 0 {
			text += " for " + span(state.TTLMS)
		}
		parts = append(parts, text)
	}
	for _, timer := range c.Timers {
		parts = append(parts, "timer "+timer.Name+" calls "+timer.Calls)
	}
	if len(parts) == 0 {
		return ""
	}
	return "for each key: " + strings.Join(parts, ", ")
}
