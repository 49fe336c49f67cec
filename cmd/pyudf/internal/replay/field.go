package replay

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/pyudf/pyudf/engine/record"
	tablev1 "github.com/pyudf/pyudf/proto/pyudf/table/v1"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/wire"
)

// fieldsOf returns the columns of a chunk as their JSON would be decoded.
func fieldsOf(chunk *tablev1.Chunk) ([]record.Known, error) {
	fields := make([]record.Known, len(chunk.GetFields()))
	for i, sent := range chunk.GetFields() {
		column, err := columnOf(sent, int(chunk.GetRows()))
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", sent.GetName(), err)
		}
		fields[i] = record.Known{Name: sent.GetName(), Column: *column}
	}
	return fields, nil
}

func columnOf(sent *tablev1.Field, rows int) (*record.Column, error) {
	switch sent.GetKind() {
	case tablev1.Kind_KIND_NULL:
		return nulls(rows), nil
	case tablev1.Kind_KIND_BINARY:
		return texts(sent, rows, record.String, func(dst []byte, c *record.Column, row int) []byte {
			return base64.StdEncoding.AppendEncode(dst, c.Text.At(row))
		})
	case tablev1.Kind_KIND_TIMESTAMP:
		return moments(sent, rows, time.RFC3339Nano)
	case tablev1.Kind_KIND_DATE:
		return moments(sent, rows, time.DateOnly)
	case tablev1.Kind_KIND_TIME:
		return moments(sent, rows, "15:04:05.999999999")
	default:
		return plain(sent, rows)
	}
}

// plain returns a column that stands for itself.
func plain(sent *tablev1.Field, rows int) (*record.Column, error) {
	typ, known := types()[sent.GetKind()]
	if !known {
		return nil, fmt.Errorf("its kind %s is none that this engine reads: are the SDK and the command of one version?", sent.GetKind())
	}
	column, err := wire.ColumnOf(typ, rows, sent.GetValues())
	if err == nil && typ == record.Float64 {
		finite(column)
	}
	return column, err
}

// types are the kinds that stand for a type as it is.
func types() map[tablev1.Kind]record.Type {
	return map[tablev1.Kind]record.Type{
		tablev1.Kind_KIND_BOOL: record.Bool, tablev1.Kind_KIND_INT64: record.Int64, tablev1.Kind_KIND_FLOAT64: record.Float64,
		tablev1.Kind_KIND_STRING: record.String, tablev1.Kind_KIND_DECIMAL: record.Decimal, tablev1.Kind_KIND_JSON: record.JSON,
	}
}

// nulls returns a column of nulls.
func nulls(rows int) *record.Column {
	b := record.NewBuilder(record.JSON, rows)
	for range rows {
		b.Null()
	}
	column := b.Column()
	return &column
}

// finite makes nulls of the values that JSON has no number for.
func finite(c *record.Column) {
	own := false
	for i, v := range c.Floats {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			continue
		}
		if !own {
			valid := record.Bitmap(c.Rows)
			copy(valid, c.Valid)
			c.Valid, own = valid, true
		}
		record.ClearBit(c.Valid, i)
	}
}

// texts returns a column of the texts that append writes of each value.
func texts(sent *tablev1.Field, rows int, typ record.Type, write func(dst []byte, c *record.Column, row int) []byte) (*record.Column, error) {
	from := record.String
	if typ == record.Timestamp {
		from = record.Int64
	}
	values, err := wire.ColumnOf(from, rows, sent.GetValues())
	if err != nil {
		return nil, err
	}
	b := record.NewBuilder(typ, rows)
	var text []byte
	for row := range rows {
		if values.IsNull(row) {
			b.Null()
			continue
		}
		text = write(text[:0], values, row)
		b.Text(text)
	}
	column := b.Column()
	return &column, nil
}

const nanosPerSecond = 1_000_000_000

// moments returns a column of ISO 8601 texts in UTC.
func moments(sent *tablev1.Field, rows int, layout string) (*record.Column, error) {
	unit := int64(sent.GetPerSecond()) //nolint:gosec // checked below
	if layout == time.DateOnly {
		unit = 1
	}
	if unit < 1 || nanosPerSecond%unit != 0 {
		return nil, fmt.Errorf("its moments have %d units a second", unit)
	}
	return texts(sent, rows, record.Timestamp, func(dst []byte, c *record.Column, row int) []byte {
		count := c.Ints[row]
		if layout == time.DateOnly {
			return time.Unix(count*24*60*60, 0).UTC().AppendFormat(dst, layout)
		}
		seconds := count / unit
		return time.Unix(seconds, (count-seconds*unit)*(nanosPerSecond/unit)).UTC().AppendFormat(dst, layout)
	})
}

// arenaOf returns JSON texts of a message.
func arenaOf(sent *workerv1.Records, rows int) (record.Arena, error) {
	column, err := wire.ColumnOf(record.JSON, rows, &workerv1.Column{Offsets: sent.GetOffsets(), Values: sent.GetData()})
	if err != nil {
		return record.Arena{}, err
	}
	if len(column.Text.Offsets) > 0 && column.Text.Offsets[0] != 0 {
		return record.Arena{}, errors.New("its offsets do not begin at 0")
	}
	return record.Arena{Data: column.Text.Data, Ends: column.Text.Offsets[1:]}, nil
}
