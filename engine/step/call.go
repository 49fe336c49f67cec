package step

import (
	"errors"
	"fmt"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// callColumn calls a function for each row and returns its values, null where a null parameter spared the call.
func (r *run) callColumn(at *place, call *plan.Call) (record.Column, error) {
	request, sent, err := r.request(at, call)
	if err != nil {
		return record.Column{}, err
	}
	if len(sent) == 0 {
		return spread(&record.Column{Type: call.Function.Result}, nil, at.in.rows), nil
	}
	result, err := r.call(at, call.Function, request, sent)
	if err != nil {
		return record.Column{}, err
	}
	if len(sent) == at.in.rows {
		return *result.Column, nil
	}
	return spread(result.Column, sent, at.in.rows), nil
}

// mapRecords calls a function for each row and returns the frame of the records that it made.
func (r *run) mapRecords(step *plan.Step, in *frame) (*frame, error) {
	in = in.untaken()
	at := &place{step, in, map[int]bool{}}
	call := &step.Map.Call
	request, sent, err := r.request(at, call)
	if err != nil {
		return nil, err
	}
	if len(sent) == 0 {
		return &frame{batch: in.batch}, nil
	}
	result, err := r.call(at, call.Function, request, sent)
	if err != nil {
		return nil, err
	}
	rows := compose(sent, result.Sources)
	out, err := in.replaced(step, &result.Records, rows, step.Map.Scan)
	if err == nil && in.key != nil {
		out.key = new(in.key.Take(rows))
	}
	return out, err
}

// call sends a request and buries the rows that failed. sent are the rows of the frame that the request's rows, or its
// groups where the function gives a value a group, stand for.
func (r *run) call(at *place, f *plan.Function, request *dispatch.Call, sent []int32) (*dispatch.Result, error) {
	action := dispatch.ActionNone
	if request.Groups != nil {
		action = request.Groups.Action
	}
	result, err := r.program.caller.Call(r.ctx, dispatched(f, action), request)
	if err != nil {
		return nil, err
	}
	return result, r.buryFailures(at, f, result.Failures, sent)
}

// buryFailures does with the rows that failed what the function's on_error says.
func (r *run) buryFailures(at *place, f *plan.Function, failures []dispatch.Failure, sent []int32) error {
	for _, failure := range failures {
		row := int(sent[failure.Row])
		letter := letterOf(f, failure)
		switch f.OnError {
		case planv1.OnError_ON_ERROR_STOP:
			letter.Step = at.step.Label
			origin := at.in.originOf(row)
			return &StopError{Partition: at.in.batch.Partition, Offset: at.in.batch.Offsets[origin], Letter: letter}
		case planv1.OnError_ON_ERROR_SKIP:
			at.failed[row] = true
			r.program.metrics.Skipped.WithLabelValues(f.Name).Inc()
		default:
			r.bury(at, row, letter)
		}
	}
	return nil
}

func letterOf(f *plan.Function, failure dispatch.Failure) DeadLetter {
	return DeadLetter{Function: f.Name, Reason: ReasonRaised, Exception: failure.Exception, Message: failure.Message, Traceback: failure.Traceback}
}

// dispatched returns what package dispatch needs to know of a function.
func dispatched(f *plan.Function, action dispatch.Action) dispatch.Function {
	out := dispatch.Function{
		ID: f.ID, Name: f.Name, Timeout: f.Timeout, Records: f.Records, Result: f.Result,
		PerGroup: f.Groups || action == dispatch.ActionResult, States: len(f.States), Timers: len(f.Timers),
	}
	if f.Aggregator {
		out.States = 1
	}
	return out
}

// request gathers what travels to the worker, and the rows for which it does.
func (r *run) request(at *place, call *plan.Call) (*dispatch.Call, []int32, error) {
	request := &dispatch.Call{Function: call.Function.ID}
	if !call.Function.Columns {
		sent := at.others()
		request.Rows, request.Records = len(sent), at.in.keep(sent).values()
		return request, sent, nil
	}
	spared := map[int]bool{}
	columns := make([]record.Column, len(call.Args))
	for i := range call.Args {
		column, err := r.argument(at, call, &call.Args[i])
		if err != nil {
			return nil, nil, err
		}
		r.nulls(at, call.Function, &call.Args[i], &column, spared)
		columns[i] = column
	}
	r.program.metrics.NullResults.WithLabelValues(call.Function.Name).Add(float64(len(spared)))
	sent := rowsWhere(at.in.rows, func(row int) bool { return !at.failed[row] && !spared[row] })
	if len(sent) < at.in.rows {
		for i := range columns {
			columns[i] = columns[i].Take(sent)
		}
	}
	request.Rows, request.Columns = len(sent), columns
	return request, sent, nil
}

// argument returns the column of a parameter, with its default where the field is missing.
func (r *run) argument(at *place, call *plan.Call, arg *plan.Arg) (record.Column, error) {
	if arg.Field == "" {
		return fill(arg, at.in.rows)
	}
	column, failures := at.in.column(arg.Field, arg.Type)
	missing := map[int]bool{}
	for _, failure := range failures {
		letter := DeadLetter{Function: call.Function.Name, Reason: ReasonWrongType, Message: failure.Err.Error()}
		if errors.Is(failure.Err, codec.ErrMissing) {
			if arg.Default != nil || arg.Nullable {
				missing[failure.Row] = true
				continue
			}
			letter.Reason = ReasonMissing
		}
		r.bury(at, failure.Row, letter)
	}
	if arg.Default == nil || len(missing) == 0 {
		return column, nil
	}
	return withDefault(&column, missing, arg)
}

func withDefault(column *record.Column, missing map[int]bool, arg *plan.Arg) (record.Column, error) {
	b := record.NewBuilder(column.Type, column.Rows)
	for row := range column.Rows {
		if !missing[row] {
			b.CopyOf(column, row)
			continue
		}
		if err := appendLiteral(b, column.Type, arg.Default); err != nil {
			return record.Column{}, fmt.Errorf("default of parameter %q: %w", arg.Param, err)
		}
	}
	return b.Column(), nil
}

// fill returns a column of rows defaults.
func fill(arg *plan.Arg, rows int) (record.Column, error) {
	b := record.NewBuilder(arg.Type, rows)
	for range rows {
		if err := appendLiteral(b, arg.Type, arg.Default); err != nil {
			return record.Column{}, fmt.Errorf("default of parameter %q: %w", arg.Param, err)
		}
	}
	return b.Column(), nil
}

func appendLiteral(b *record.Builder, t record.Type, literal *planv1.Literal) error {
	switch v := literal.GetValue().(type) {
	case *planv1.Literal_NullValue:
		b.Null()
	case *planv1.Literal_BoolValue:
		if t != record.Bool {
			return fmt.Errorf("a boolean is no %s", t)
		}
		b.Bool(v.BoolValue)
	case *planv1.Literal_IntValue:
		switch t {
		case record.Float64:
			b.Float(float64(v.IntValue))
		case record.Int64:
			b.Int(v.IntValue)
		default:
			return fmt.Errorf("an integer is no %s", t)
		}
	case *planv1.Literal_FloatValue:
		if t != record.Float64 {
			return fmt.Errorf("a float is no %s", t)
		}
		b.Float(v.FloatValue)
	case *planv1.Literal_StringValue:
		if !t.IsText() {
			return fmt.Errorf("a string is no %s", t)
		}
		b.Text([]byte(v.StringValue))
	default:
		return errors.New("it has no value")
	}
	return nil
}

// nulls does with the rows in which a parameter is null what the function's on_null says. spared collects the rows
// whose result is null without a call.
func (r *run) nulls(at *place, f *plan.Function, arg *plan.Arg, column *record.Column, spared map[int]bool) {
	if arg.Nullable || column.Valid == nil || f.OnNull == planv1.OnNull_ON_NULL_CALL {
		return
	}
	for row := range column.Rows {
		switch {
		case !column.IsNull(row) || at.failed[row]:
		case f.OnNull == planv1.OnNull_ON_NULL_DLQ:
			r.bury(at, row, DeadLetter{Function: f.Name, Reason: ReasonNull, Message: fmt.Sprintf("field %q is null; annotate the parameter as optional or choose another on_null", arg.Field)})
		default:
			spared[row] = true
		}
	}
}

// spread returns a column of n rows with the values of c at the given rows and nulls elsewhere.
func spread(c *record.Column, rows []int32, n int) record.Column {
	b := record.NewBuilder(c.Type, n)
	next := 0
	for row := range n {
		if next < len(rows) && int(rows[next]) == row {
			b.CopyOf(c, next)
			next++
			continue
		}
		b.Null()
	}
	return b.Column()
}
