package graph

import (
	"fmt"
	"strings"

	"github.com/pyudf/pyudf/engine/plan"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Window says which records of a key an aggregate puts together, and when it gives results.
type Window struct {
	Kind string `json:"kind"` // tumbling, hopping, sliding, count, session, global or custom
	// Words say all of it.
	Words   string `json:"words"`
	GraceMS uint64 `json:"grace_ms"`
	Emit    string `json:"emit"` // final, updates, early or on_time_and_late
	// Late is the topic for records that come too late.
	Late string `json:"late,omitempty"`
}

func (b *builder) window(proto *planv1.Aggregate, key *plan.Key) *Window {
	kind, shape := b.shape(proto.GetWindow())
	out := &Window{
		Kind: kind, GraceMS: proto.GetWindow().GetGraceMs(),
		Emit: strings.ToLower(strings.TrimPrefix(proto.GetEmit().GetMode().String(), "EMIT_MODE_")),
	}
	parts := []string{shape + ", for each " + keyName(key)}
	if out.GraceMS > 0 {
		parts = append(parts, "open for "+span(out.GraceMS)+" after the end")
	}
	parts = append(parts, b.results(kind, proto.GetEmit()))
	if kind != "count" && kind != "global" { // for which no record is late
		out.Late = proto.GetLate().GetName()
		parts = append(parts, "late records go to "+b.lateHome(out.Late))
	}
	out.Words = strings.Join(parts, "; ")
	return out
}

func keyName(key *plan.Key) string {
	if len(key.Fields) == 0 {
		return "key"
	}
	names := make([]string, len(key.Fields))
	for i, field := range key.Fields {
		names[i] = field.Name
	}
	return strings.Join(names, " and ")
}

// lateHome is the topic of late records, or the file that stands in for it.
func (b *builder) lateHome(topic string) string {
	if b.topics {
		return topic
	}
	return topic + ".jsonl"
}

// shape says which records of a key belong together.
func (b *builder) shape(window *planv1.Window) (kind, words string) {
	switch w := window.GetKind().(type) {
	case *planv1.Window_Tumbling:
		return "tumbling", "tumbling " + span(w.Tumbling.GetSizeMs()) + offset(w.Tumbling.GetOffsetMs())
	case *planv1.Window_Hopping:
		return "hopping", "hopping " + span(w.Hopping.GetSizeMs()) + " every " + span(w.Hopping.GetEveryMs()) + offset(w.Hopping.GetOffsetMs())
	case *planv1.Window_Sliding:
		return "sliding", "sliding " + span(w.Sliding.GetLengthMs()) + " up to each record"
	case *planv1.Window_Count:
		return "count", fmt.Sprintf("the last %s, after every %d", count(int(w.Count.GetSize()), "record"), w.Count.GetEvery()) //nolint:gosec // no memory holds more
	case *planv1.Window_Session:
		return "session", session(w.Session)
	case *planv1.Window_Global:
		return "global", "all records"
	default:
		return "custom", b.custom(window.GetCustom())
	}
}

func (b *builder) custom(c *planv1.CustomWindow) string {
	words := "windows by " + b.functions[c.GetAssign().GetFunction()].GetName() + " in Python"
	if merge := b.functions[c.GetMerge()]; merge != nil {
		words += ", put together by " + merge.GetName()
	}
	if closes := b.functions[c.GetShouldClose()]; closes != nil {
		words += ", closed by " + closes.GetName()
	}
	return words
}

func offset(ms int64) string {
	switch {
	case ms > 0:
		return " shifted by " + span(uint64(ms))
	case ms < 0:
		return " shifted by -" + span(uint64(-ms))
	default:
		return ""
	}
}

func session(s *planv1.Session) string {
	parts := []string{"sessions with gaps up to " + span(s.GetGapMs())}
	if s.GetGapBy() != "" {
		parts[0] = "sessions with gaps up to " + s.GetGapBy() + " ms"
	}
	if s.GetMinEvents() > 1 {
		parts = append(parts, fmt.Sprintf("of at least %d records", s.GetMinEvents()))
	}
	if s.GetMaxDurationMs() > 0 {
		parts = append(parts, "at most "+span(s.GetMaxDurationMs())+" long")
	}
	if s.GetCloseOn() != nil {
		parts = append(parts, "ended by "+expression(s.GetCloseOn()))
	}
	return strings.Join(parts, ", ")
}

// results says when windows give them.
func (b *builder) results(kind string, emit *planv1.Emit) string {
	switch mode := emit.GetMode(); {
	case kind == "count":
		return "a result when it is full"
	case mode == planv1.EmitMode_EMIT_MODE_UPDATES:
		return "a result at each commit after a change"
	case mode == planv1.EmitMode_EMIT_MODE_EARLY:
		return "a result every " + span(emit.GetEveryMs()) + " after a change, and one at the close"
	case mode == planv1.EmitMode_EMIT_MODE_ON_TIME_AND_LATE:
		return "a result at the end, and at each change after it"
	case kind == "global" && b.topics:
		return "one result, at the end of a run with --flush"
	case kind == "global":
		return "one result, at the end"
	default:
		return "one result, at the close"
	}
}

// span writes milliseconds as users do: 10s, 24h.
func span(ms uint64) string {
	units := []struct {
		name string
		ms   uint64
	}{{"d", 86_400_000}, {"h", 3_600_000}, {"m", 60_000}, {"s", 1000}}
	for _, unit := range units {
		if ms >= unit.ms && ms%unit.ms == 0 && (unit.name != "d" || ms > unit.ms) {
			return fmt.Sprintf("%d%s", ms/unit.ms, unit.name)
		}
	}
	return fmt.Sprintf("%dms", ms)
}
