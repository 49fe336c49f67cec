package step

import (
	"errors"

	"github.com/pyudf/pyudf/engine/codec"
	"github.com/pyudf/pyudf/engine/codec/csv"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// lines returns the schema of a topic whose values are CSV lines, nil for one of JSON. Files are JSON texts by the
// time that they come here.
func lines(source *plan.Source) *csv.Schema {
	if source.Proto.GetTopic().GetFormat() != planv1.Format_FORMAT_CSV {
		return nil
	}
	schema := &csv.Schema{}
	for _, field := range source.Proto.GetSchema() {
		schema.Columns = append(schema.Columns, csv.Column{Name: field.GetName(), Type: plan.TypeOf(field.GetType())})
	}
	return schema
}

// decode returns the values of a batch as JSON objects that are scanned for the fields that the plan reads.
func (p *Program) decode(batch *record.Batch) (*codec.Texts, []codec.Failure) {
	if batch.Bare {
		texts := codec.Bare(&batch.Values, p.source.Scan)
		texts.Know(batch.Known)
		return texts, nil
	}
	if p.csv == nil {
		return codec.Scan(&batch.Values, p.source.Scan)
	}
	converter := csv.NewConverter(p.csv)
	var values record.Arena
	values.Grow(batch.Len(), 2*len(batch.Values.Data))
	var failures []codec.Failure
	for row := range batch.Len() {
		before := len(values.Data)
		err := errTombstone
		if !batch.Values.IsNull(row) {
			values.Data, err = converter.Line(values.Data, batch.Values.At(row))
		}
		if err != nil {
			failures = append(failures, codec.Failure{Row: row, Err: err})
			values.Data = append(values.Data[:before], "{}"...)
		}
		values.End(false)
	}
	texts, more := codec.Scan(&values, p.source.Scan)
	return texts, append(failures, more...)
}

var errTombstone = errors.New("the value is null (a tombstone), a CSV line is needed")
