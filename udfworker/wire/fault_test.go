package wire_test

import (
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/wire"
)

func column(c *workerv1.Column) *workerv1.RunResponse {
	return &workerv1.RunResponse{Rows: 2, Payload: &workerv1.RunResponse_Column{Column: c}}
}

func output(data string, offsets []byte, sources ...int32) *workerv1.RunResponse {
	return &workerv1.RunResponse{Rows: 2, Payload: records(&workerv1.Records{Data: []byte(data), Offsets: offsets}, sources...)}
}

func failed(rows ...uint32) *workerv1.RunResponse {
	response := output("", nil)
	for _, row := range rows {
		response.Errors = append(response.Errors, &workerv1.RowError{Row: row})
	}
	return response
}

func TestAnAnswerThatBreaksTheProtocolIsAnErrorThatSaysHow(t *testing.T) {
	ints, texts := columnFunction(t, record.Int64), columnFunction(t, record.String)
	bools, recs := columnFunction(t, record.Bool), recordFunction(t)
	for name, test := range map[string]struct {
		function *wire.Function
		response *workerv1.RunResponse
		says     string
	}{
		"no message":                    {recs, nil, "it has 0 rows, the call had 2"},
		"too few rows":                  {recs, &workerv1.RunResponse{Rows: 1}, "it has 1 rows, the call had 2"},
		"too many rows":                 {recs, &workerv1.RunResponse{Rows: 1 << 31}, "rows, the call had 2"},
		"no column":                     {ints, output("", nil), "it has no column"},
		"a null column":                 {ints, column(nil), "it has no column"},
		"no records":                    {recs, column(&workerv1.Column{}), "it has no records"},
		"values too short":              {ints, column(&workerv1.Column{Values: make([]byte, 15)}), "15 value bytes where 16 belong"},
		"values too long":               {ints, column(&workerv1.Column{Values: make([]byte, 24)}), "24 value bytes where 16 belong"},
		"bits too short":                {bools, column(&workerv1.Column{}), "0 value bytes where 1 belong"},
		"validity too long":             {ints, column(&workerv1.Column{Validity: make([]byte, 2)}), "2 validity bytes where 1 belong"},
		"offsets of numbers":            {ints, column(&workerv1.Column{Values: make([]byte, 16), Offsets: int32s(0)}), "4 bytes of offsets"},
		"no offsets of texts":           {texts, column(&workerv1.Column{}), "1 offsets where 3 belong"},
		"odd offsets":                   {texts, column(&workerv1.Column{Offsets: make([]byte, 11)}), "not a multiple of 4"},
		"decreasing offsets":            {texts, column(&workerv1.Column{Values: []byte("abc"), Offsets: int32s(0, 3, 2)}), "offset 2 is 2 after 3"},
		"a negative offset":             {texts, column(&workerv1.Column{Values: []byte("abc"), Offsets: int32s(-1, 0, 1)}), "offset 0 is -1"},
		"an offset beyond the text":     {texts, column(&workerv1.Column{Values: []byte("abc"), Offsets: int32s(0, 3, 4)}), "the last offset is 4, the text has 3 bytes"},
		"decreasing offsets of records": {recs, output("{}{}", int32s(0, 4, 2), 0, 1), "offset 2 is 2 after 4"},
		"records beyond the data":       {recs, output("{}", int32s(0, 2, 4), 0, 1), "the last offset is 4, the text has 2 bytes"},
		"too few sources":               {recs, output("{}{}", int32s(0, 2, 4), 0), "4 bytes of sources where 8 belong"},
		"sources without records":       {recs, output("", nil, 0), "4 bytes of sources where 0 belong"},
		"decreasing sources":            {recs, output("{}{}", int32s(0, 2, 4), 1, 0), "record 1 comes from row 0, the one before it from row 1"},
		"a negative source":             {recs, output("{}", int32s(0, 2), -1), "record 0 comes from row -1"},
		"a source beyond the call":      {recs, output("{}", int32s(0, 2), 2), "row 2, the call had 2 rows"},
		"an error beyond the call":      {recs, failed(0, 2), "error 1 is of row 2, the call had 2 rows"},
		"two errors of a row":           {recs, failed(1, 0, 1), "row 1 has two errors"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := test.function.Result(rowsOf(2), test.response)
			if err == nil || result != nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, %v; want an error with %q", result, err, test.says)
			}
		})
	}
}

func TestACallThatDoesNotFitItsFunctionIsNotSent(t *testing.T) {
	ints, recs := columnFunction(t, record.Int64, record.Int64), recordFunction(t)
	texts := columnFunction(t, record.Int64, record.String)
	bools := columnFunction(t, record.Int64, record.Bool)
	one := func(c record.Column) *dispatch.Call { return &dispatch.Call{Rows: 2, Columns: []record.Column{c}} }
	for name, test := range map[string]struct {
		function *wire.Function
		call     *dispatch.Call
		says     string
	}{
		"negative rows":     {ints, &dispatch.Call{Rows: -1}, "-1 rows are out of range"},
		"no columns":        {ints, &dispatch.Call{Rows: 2}, "0 columns for 1 parameters"},
		"wrong type":        {ints, one(sample(record.Float64, 2)), "column 0 has type float64, its parameter int64"},
		"wrong rows":        {ints, one(sample(record.Int64, 3)), "column 0 has 3 rows, the call 2"},
		"missing values":    {ints, one(record.Column{Type: record.Int64, Rows: 2}), "0 values where 2 belong"},
		"missing bits":      {bools, one(record.Column{Type: record.Bool, Rows: 2}), "0 value bytes where 1 belong"},
		"short validity":    {ints, one(record.Column{Type: record.Int64, Rows: 2, Valid: []byte{}}), "0 validity bytes where 1 belong"},
		"missing offsets":   {texts, one(record.Column{Type: record.String, Rows: 2}), "0 offsets where 3 belong"},
		"offsets too large": {texts, one(record.Column{Type: record.String, Rows: 2, Text: record.Text{Offsets: []int32{0, 1, 2}}}), "the last offset is 2"},
		"missing records":   {recs, &dispatch.Call{Rows: 2}, "0 records where 2 belong"},
		"a decreasing end":  {recs, &dispatch.Call{Rows: 2, Records: record.Arena{Data: []byte("abc"), Ends: []int32{3, 1}}}, "offset 2 is 1 after 3"},
		"a negative end":    {recs, &dispatch.Call{Rows: 1, Records: record.Arena{Ends: []int32{-1}}}, "offset 1 is -1 after 0"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := test.function.Request(test.call)
			if err == nil || request != nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, %v; want an error with %q", request, err, test.says)
			}
		})
	}
}

func TestAFunctionThatTheEngineCannotServeIsRefused(t *testing.T) {
	valid := func() *planv1.Function {
		return &planv1.Function{
			Id: "f", Input: planv1.Input_INPUT_COLUMNS, Params: []*planv1.Param{{Name: "p", Type: planv1.Type_TYPE_BOOL}},
			Output: planv1.Output_OUTPUT_COLUMN, ResultType: planv1.Type_TYPE_BOOL,
		}
	}
	for says, change := range map[string]func(*planv1.Plan){
		"its input INPUT_UNSPECIFIED is not known":           func(p *planv1.Plan) { p.Functions[0].Input = 0 },
		"its output 9 is not known":                          func(p *planv1.Plan) { p.Functions[0].Output = 9 },
		"its result type TYPE_UNSPECIFIED is not known":      func(p *planv1.Plan) { p.Functions[0].ResultType = 0 },
		`the type 99 of parameter "p" is not known`:          func(p *planv1.Plan) { p.Functions[0].Params[0].Type = 99 },
		`function "f" stands twice in the worker's plan`:     func(p *planv1.Plan) { p.Functions = append(p.Functions, valid()) },
		`function "" of the worker's plan: its input INPUT_`: func(p *planv1.Plan) { p.Functions = append(p.Functions, nil) },
	} {
		plan := &planv1.Plan{Functions: []*planv1.Function{valid()}}
		change(plan)
		if _, err := wire.Functions(plan); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want an error with %q", err, says)
		}
	}
}
