package plan

import (
	"errors"
	"fmt"
	"math"

	"github.com/pyudf/pyudf/engine/expr"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/window"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func (c *compiler) setWindow(a *Aggregate, op *planv1.Aggregate, in scope) error {
	w := &a.Window
	w.Grace = ms(op.GetWindow().GetGraceMs())
	switch kind := op.GetWindow().GetKind().(type) {
	case *planv1.Window_Tumbling:
		w.Size, w.Every, w.Offset = ms(kind.Tumbling.GetSizeMs()), ms(kind.Tumbling.GetSizeMs()), kind.Tumbling.GetOffsetMs()
	case *planv1.Window_Hopping:
		w.Size, w.Every, w.Offset = ms(kind.Hopping.GetSizeMs()), ms(kind.Hopping.GetEveryMs()), kind.Hopping.GetOffsetMs()
	case *planv1.Window_Sliding:
		w.Kind, w.Length = window.Sliding, ms(kind.Sliding.GetLengthMs())
	case *planv1.Window_Count:
		w.Kind, w.Size, w.Every = window.Count, ms(kind.Count.GetSize()), ms(kind.Count.GetEvery())
	case *planv1.Window_Session:
		if err := a.setSession(kind.Session, in); err != nil {
			return err
		}
	case *planv1.Window_Global:
		w.Kind = window.Global
	case *planv1.Window_Custom:
		w.Kind = window.Custom
		if err := c.setCustom(a, kind.Custom, in); err != nil {
			return err
		}
	default:
		return errors.New("this engine does not know the window; update pyudf so that the command and the package have the same version")
	}
	return errors.Join(a.setEmit(op.GetEmit()), w.Validate())
}

func (a *Aggregate) setSession(session *planv1.Session, in scope) error {
	w := &a.Window
	w.Kind, w.Gap, w.MaxDuration = window.Session, ms(session.GetGapMs()), ms(session.GetMaxDurationMs())
	w.MinEvents = ms(session.GetMinEvents())
	a.GapBy = session.GetGapBy()
	if a.GapBy != "" {
		if err := in.read(a.GapBy, record.Float64); err != nil {
			return fmt.Errorf("gap_by: %w", err)
		}
	}
	if session.GetCloseOn() == nil {
		return nil
	}
	var err error
	w.CloseOn = true
	a.CloseOn, err = compileExpr(session.GetCloseOn(), in, expr.CompileCondition)
	return err
}

func (c *compiler) setCustom(a *Aggregate, custom *planv1.CustomWindow, in scope) error {
	assign, err := c.call(custom.GetAssign(), in)
	if err != nil {
		return err
	}
	a.Custom = &CustomWindow{Assign: *assign}
	for _, method := range []struct {
		id   string
		into **Function
	}{{custom.GetMerge(), &a.Custom.Merge}, {custom.GetShouldClose(), &a.Custom.Close}} {
		if method.id == "" {
			continue
		}
		f := c.functions[method.id]
		if f == nil {
			return fmt.Errorf("the plan has no function %q", method.id)
		}
		*method.into = newFunction(f)
	}
	return nil
}

func (a *Aggregate) setEmit(emit *planv1.Emit) error {
	switch emit.GetMode() {
	case planv1.EmitMode_EMIT_MODE_UPDATES:
		a.Window.Emit = window.Updates
	case planv1.EmitMode_EMIT_MODE_EARLY:
		a.Window.Emit, a.EarlyEvery = window.Early, ms(emit.GetEveryMs())
		if a.EarlyEvery == 0 {
			return errors.New("early results need a time between them")
		}
	case planv1.EmitMode_EMIT_MODE_ON_TIME_AND_LATE:
		a.Window.Emit = window.OnTime
	default:
	}
	return nil
}

// ms returns a number of the plan as the engine counts.
func ms(v uint64) int64 { return int64(min(v, math.MaxInt64)) } //nolint:gosec // it is at most that
