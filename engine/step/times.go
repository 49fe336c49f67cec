package step

import (
	"errors"
	"fmt"
	"math"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/eventtime"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// times finds when the records of a batch happened and returns the rows that have a time. Those without are dead; they
// do not move the watermark.
func (r *run) times(in *frame) *frame {
	r.outcome.Times = make([]int64, r.outcome.Batch.Len())
	for i := range r.outcome.Times {
		r.outcome.Times[i] = record.NoTime
	}
	t := r.program.source.Time
	latest := int64(math.MaxInt64)
	if skew := int64(min(t.GetMaxFutureMs(), math.MaxInt64>>1)); skew > 0 && r.program.now != nil { //nolint:gosec // it is at most that
		latest = r.program.now() + skew
	}
	at := &place{nil, in, map[int]bool{}}
	timeOf := r.clock(at, t)
	for row := range in.rows {
		time, err := timeOf(row)
		if err == nil {
			err = possible(time, latest)
		}
		if err != nil {
			r.badTime(at, row, err)
			continue
		}
		r.outcome.Times[in.originOf(row)] = time
	}
	return in.keep(at.others())
}

// farthest is a time at which windows can be computed without an overflow, in ms.
const farthest = math.MaxInt64 >> 2

// possible returns why a record cannot be of a time.
func possible(time, latest int64) error {
	if time > farthest || time < -farthest {
		return fmt.Errorf("%d ms since 1970 is no time at which anything happened; unit= says of what unit the numbers are", time)
	}
	if time > latest {
		return fmt.Errorf("the record is of %s, which is too far in the future; max_future= says how far it may be", eventtime.Format(time))
	}
	return nil
}

func (r *run) badTime(at *place, row int, err error) {
	at.failed[row] = true
	r.outcome.Dead = append(r.outcome.Dead, DeadLetter{Record: at.in.originOf(row), Step: "event_time", Reason: ReasonBadTimestamp, Message: err.Error()})
}

var errNoTimestamp = errors.New("the record has no timestamp; name the field that has one with time= where the topic is read")

// clock returns what tells the time of a row.
func (r *run) clock(at *place, t *planv1.EventTime) func(row int) (int64, error) {
	if t.GetField() == "" {
		return func(row int) (int64, error) {
			time := at.in.batch.Times[at.in.originOf(row)]
			if time < 0 {
				return 0, errNoTimestamp
			}
			return time, nil
		}
	}
	column, failures := at.in.column(t.GetField(), record.JSON)
	failed := map[int]error{}
	for _, failure := range failures {
		failed[failure.Row] = failure.Err
	}
	unit := unitOf(t.GetUnit())
	return func(row int) (int64, error) {
		if err := failed[row]; err != nil {
			return 0, err
		}
		time, err := moment(column.Text.At(row), column.IsNull(row), unit)
		if err != nil {
			return 0, fmt.Errorf("field %q: %w", t.GetField(), err)
		}
		return time, nil
	}
}

// unitOf returns how many units a ms has; 0: only texts are times; automatic: eventtime tells by the number's size.
func unitOf(unit planv1.TimeUnit) float64 {
	switch unit {
	case planv1.TimeUnit_TIME_UNIT_S:
		return 1e-3
	case planv1.TimeUnit_TIME_UNIT_US:
		return 1e3
	case planv1.TimeUnit_TIME_UNIT_NS:
		return 1e6
	case planv1.TimeUnit_TIME_UNIT_MS:
		return 1
	case planv1.TimeUnit_TIME_UNIT_ISO:
		return 0
	default:
		return automatic
	}
}

const automatic = -1

// moment reads a time: ISO 8601 in quotes, or a number of units.
func moment(text []byte, null bool, unit float64) (int64, error) {
	switch {
	case null || text[0] == 'n':
		return 0, errors.New("it is null where a time is needed")
	case text[0] == '"':
		inside, err := codec.AppendUnquoted(nil, text)
		if err != nil {
			return 0, err
		}
		return eventtime.Millis(inside)
	case unit == 0:
		return 0, fmt.Errorf("%s is no ISO 8601 text", text)
	case unit == automatic:
		return eventtime.Millis(text)
	default:
		return eventtime.Number(text, unit)
	}
}
