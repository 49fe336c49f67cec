package wire_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
	workerv1 "github.com/pyudf/pyudf/proto/pyudf/worker/v1"
	"github.com/pyudf/pyudf/udfworker/wire"
)

// keyed is a function over a column with a state and a timer.
func keyed(t *testing.T) *wire.Function {
	t.Helper()
	return theFunction(t, &planv1.Function{
		Id: "f", Kind: planv1.Kind_KIND_SCALAR, Input: planv1.Input_INPUT_COLUMNS,
		Params: []*planv1.Param{{Type: planv1.Type_TYPE_INT64}}, Output: planv1.Output_OUTPUT_COLUMN,
		ResultType: planv1.Type_TYPE_INT64, States: []*planv1.State{{Name: "s"}}, Timers: []*planv1.Timer{{Name: "t"}},
	})
}

func aggregator(t *testing.T) *wire.Function {
	t.Helper()
	return ofKind(t, planv1.Kind_KIND_AGGREGATOR)
}

func overGroups(t *testing.T) *wire.Function {
	t.Helper()
	return ofKind(t, planv1.Kind_KIND_GROUPS)
}

func ofKind(t *testing.T, kind planv1.Kind) *wire.Function {
	t.Helper()
	return theFunction(t, &planv1.Function{
		Id: "f", Kind: kind, Input: planv1.Input_INPUT_COLUMNS, Params: []*planv1.Param{{Type: planv1.Type_TYPE_INT64}},
		Output: planv1.Output_OUTPUT_COLUMN, ResultType: planv1.Type_TYPE_INT64,
	})
}

// states are values of groups; nil: the group has none.
func states(values ...[]byte) record.Arena {
	var out record.Arena
	for _, value := range values {
		out.Append(value)
	}
	return out
}

// keyedCall has three groups, the second without rows.
func keyedCall() *dispatch.Call {
	return &dispatch.Call{
		Rows:    3,
		Columns: []record.Column{{Type: record.Int64, Rows: 3, Ints: []int64{4, 5, 6}}},
		Groups: &dispatch.Groups{
			Offsets: []int32{0, 2, 2, 3},
			Keys:    states([]byte(`"a"`), []byte(`"b"`), []byte(`["c",1]`)),
			States:  []record.Arena{states([]byte("x"), nil, []byte{})},
			Times:   []int64{1, 2, 3},
			Timers:  [][]int64{{record.NoTime, 7, -1}},

			Watermarks: []int64{-5, 0, 9},
		},
	}
}

func values(data string, present byte, ends ...int32) *workerv1.Values {
	return &workerv1.Values{
		Values:  &workerv1.Records{Data: []byte(data), Offsets: int32s(append([]int32{0}, ends...)...)},
		Present: []byte{present},
	}
}

func timestamps(moments ...int64) *workerv1.Timestamps {
	var out []byte
	for _, moment := range moments {
		out = binary.LittleEndian.AppendUint64(out, uint64(moment))
	}
	return &workerv1.Timestamps{Values: out}
}

func TestGroupsTravelWithTheirKeysStatesTimesAndTimers(t *testing.T) {
	request, err := keyed(t).Request(keyedCall())
	if err != nil {
		t.Fatal(err)
	}
	got := travel(t, request, &workerv1.RunRequest{}).GetGroups()
	if !slices.Equal(got.GetOffsets(), int32s(0, 2, 2, 3)) || string(got.GetKeys().GetData()) != `"a""b"["c",1]` {
		t.Errorf("got offsets %v of keys %q", got.GetOffsets(), got.GetKeys().GetData())
	}
	if !proto.Equal(got.GetStates()[0], values("x", 0b101, 1, 1, 1)) {
		t.Errorf("got states %v", got.GetStates())
	}
	if !slices.Equal(got.GetTimes(), timestamps(1, 2, 3).GetValues()) || !proto.Equal(got.GetTimers()[0], timestamps(record.NoTime, 7, -1)) {
		t.Errorf("got times %v and timers %v", got.GetTimes(), got.GetTimers())
	}
	if !slices.Equal(got.GetWatermarks(), timestamps(-5, 0, 9).GetValues()) {
		t.Errorf("got watermarks %v", got.GetWatermarks())
	}
}

func TestHowManyRowsGroupsTookComesBack(t *testing.T) {
	answer := keyedAnswer()
	for _, want := range [][]int32{nil, {1, 0, 1}} {
		answer.Taken = int32s(want...)
		got, err := keyed(t).Result(keyedCall(), travel(t, answer, &workerv1.RunResponse{}))
		if err != nil || !slices.Equal(got.Taken, want) || (got.Taken == nil) != (want == nil) {
			t.Errorf("got %v, %v; want %v", got.Taken, err, want)
		}
	}
}

func TestCustomWindowsAreAskedForWithGroupsOfTimesAlone(t *testing.T) {
	assign := theFunction(t, &planv1.Function{
		Id: "f", Kind: planv1.Kind_KIND_RECORD, Input: planv1.Input_INPUT_RECORDS,
		Output: planv1.Output_OUTPUT_COLUMN, ResultType: planv1.Type_TYPE_JSON,
	})
	call := &dispatch.Call{Rows: 2, Records: states([]byte("{}"), []byte("{}"))}
	call.Groups = &dispatch.Groups{Offsets: []int32{0, 1, 2}, Keys: states([]byte{}, []byte{}), Times: []int64{7, 8}}
	request, err := assign.Request(call)
	if err != nil {
		t.Fatal(err)
	}
	if got := travel(t, request, &workerv1.RunRequest{}); !slices.Equal(got.GetGroups().GetTimes(), timestamps(7, 8).GetValues()) || got.GetRecords() == nil {
		t.Errorf("got %v", got)
	}
	column := &workerv1.Column{Values: []byte("[[7,9]][]"), Offsets: int32s(0, 7, 9)}
	answer := &workerv1.RunResponse{Rows: 2, Payload: &workerv1.RunResponse_Column{Column: column}}
	got, err := assign.Result(call, travel(t, answer, &workerv1.RunResponse{}))
	if err != nil || string(got.Column.Text.At(0)) != "[[7,9]]" || got.States != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func keyedAnswer() *workerv1.RunResponse {
	return &workerv1.RunResponse{
		Rows:    3,
		Payload: &workerv1.RunResponse_Column{Column: &workerv1.Column{Values: make([]byte, 24)}},
		States:  []*workerv1.Values{values("yz", 0b110, 0, 0, 2)},
		Timers:  []*workerv1.Timestamps{timestamps(1, record.NoTime, 3)},
	}
}

func TestStatesAndTimersComeBackAGroup(t *testing.T) {
	got, err := keyed(t).Result(keyedCall(), travel(t, keyedAnswer(), &workerv1.RunResponse{}))
	if err != nil {
		t.Fatal(err)
	}
	state := got.States[0]
	if !state.IsNull(0) || state.IsNull(1) || state.At(1) == nil || string(state.At(2)) != "yz" {
		t.Errorf("got %+v", state)
	}
	if !slices.Equal(got.Timers[0], []int64{1, record.NoTime, 3}) {
		t.Errorf("got timers %v", got.Timers)
	}
}

func TestEmptyValuesOfStatesAreValues(t *testing.T) {
	answer := keyedAnswer()
	answer.States[0] = values("", 0b111, 0, 0, 0)
	got, err := keyed(t).Result(keyedCall(), travel(t, answer, &workerv1.RunResponse{}))
	if err != nil || got.States[0].At(0) == nil || got.States[0].IsNull(2) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAnAggregatorsAnswerIsWhatItsActionAsksFor(t *testing.T) {
	call := keyedCall()
	call.Groups.Times, call.Groups.Timers, call.Groups.Watermarks, call.Groups.Action = nil, nil, nil, dispatch.ActionAdd
	added := &workerv1.RunResponse{Rows: 3, States: keyedAnswer().GetStates(), Errors: []*workerv1.RowError{{Row: 2}}}
	got, err := aggregator(t).Result(call, added)
	if err != nil || got.Column != nil || len(got.States) != 1 || got.Failures[0].Row != 2 {
		t.Errorf("added: %+v, %v", got, err)
	}
	merge := *call
	merge.Rows, merge.Columns = 0, nil
	merge.Groups = &dispatch.Groups{Offsets: make([]int32, 4), Keys: call.Groups.Keys, Action: dispatch.ActionMerge}
	merge.Groups.States = []record.Arena{call.Groups.States[0], call.Groups.States[0]}
	request, err := aggregator(t).Request(&merge)
	if err != nil || request.GetPayload() != nil || len(request.GetGroups().GetStates()) != 2 || request.GetGroups().GetAction() != workerv1.Action_ACTION_MERGE {
		t.Errorf("asked to merge: %v, %v", request, err)
	}
	got, err = aggregator(t).Result(&merge, &workerv1.RunResponse{States: keyedAnswer().GetStates(), Errors: []*workerv1.RowError{{Row: 2}}})
	if err != nil || got.Failures[0].Row != 2 || len(got.States) != 1 {
		t.Errorf("merged: %+v, %v", got, err)
	}
	call.Groups.Action = dispatch.ActionResult
	got, err = aggregator(t).Result(call, &workerv1.RunResponse{Rows: 3, Payload: keyedAnswer().GetPayload()})
	if err != nil || got.Column.Rows != 3 || got.States != nil {
		t.Errorf("result: %+v, %v", got, err)
	}
}

func TestAFunctionOverGroupsAnswersAValueAGroup(t *testing.T) {
	call := keyedCall()
	call.Groups = &dispatch.Groups{Offsets: []int32{0, 3}, Keys: states([]byte("1"))}
	answer := &workerv1.RunResponse{Rows: 3, Payload: &workerv1.RunResponse_Column{Column: &workerv1.Column{Values: make([]byte, 8)}}}
	if got, err := overGroups(t).Result(call, answer); err != nil || got.Column.Rows != 1 || got.Rows != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
	answer.Errors = []*workerv1.RowError{{Row: 1}}
	if _, err := overGroups(t).Result(call, answer); err == nil {
		t.Error("a failure of the second of one group is accepted")
	}
}

func TestU8StatesThatBreakTheProtocolAreAnError(t *testing.T) {
	for says, spoil := range map[string]func(*workerv1.RunResponse){
		"0 states where 1 belong":                       func(r *workerv1.RunResponse) { r.States = nil },
		"0 timers where 1 belong":                       func(r *workerv1.RunResponse) { r.Timers = nil },
		"state 0: 2 values where 3 belong":              func(r *workerv1.RunResponse) { r.States[0] = values("yz", 1, 1, 2) },
		"state 0: 0 values where 3 belong":              func(r *workerv1.RunResponse) { r.States[0] = nil },
		"0 bytes of marks where 1 belong":               func(r *workerv1.RunResponse) { r.States[0].Present = nil },
		"group 2 has no value but 2 bytes of it":        func(r *workerv1.RunResponse) { r.States[0].Present[0] = 1 },
		"the last offset is 9, the text has 2 bytes":    func(r *workerv1.RunResponse) { r.States[0] = values("yz", 7, 1, 2, 9) },
		"timer 0: 16 bytes of moments where 24 belong":  func(r *workerv1.RunResponse) { r.Timers[0] = timestamps(1, 2) },
		"8 bytes of taken rows where 12 belong":         func(r *workerv1.RunResponse) { r.Taken = int32s(1, 0) },
		"it has 2 rows, the call had 3":                 func(r *workerv1.RunResponse) { r.Rows = 2 },
		"error 0 is of row 3, the call had 3 rows":      func(r *workerv1.RunResponse) { r.Errors = []*workerv1.RowError{{Row: 3}} },
		"state 0: 5 bytes of offsets are not a multipl": func(r *workerv1.RunResponse) { r.States[0].Values.Offsets = make([]byte, 5) },
	} {
		answer := keyedAnswer()
		spoil(answer)
		if got, err := keyed(t).Result(keyedCall(), answer); err == nil || got != nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, %v; want an error with %q", got, err, says)
		}
	}
}

func TestGroupsThatDoNotFitTheirFunctionAreNotSent(t *testing.T) {
	for says, spoil := range map[string]func(*dispatch.Call){
		"the function is called with groups":      func(c *dispatch.Call) { c.Groups = nil },
		"the groups have no offsets":              func(c *dispatch.Call) { c.Groups.Offsets = nil },
		"the groups are rows 0 to 2 of 3":         func(c *dispatch.Call) { c.Groups.Offsets[3] = 2 },
		"the groups are rows 1 to 3 of 3":         func(c *dispatch.Call) { c.Groups.Offsets[0] = 1 },
		"groups: offset 2 is 1 after 2":           func(c *dispatch.Call) { c.Groups.Offsets[2] = 1 },
		"action 1 does not fit":                   func(c *dispatch.Call) { c.Groups.Action = dispatch.ActionAdd },
		"0 states where 1 belong":                 func(c *dispatch.Call) { c.Groups.States = nil },
		"state 0: 2 records where 3 belong":       func(c *dispatch.Call) { c.Groups.States[0] = states(nil, nil) },
		"keys: 0 records where 3 belong":          func(c *dispatch.Call) { c.Groups.Keys = record.Arena{} },
		"2 event times where 3 belong":            func(c *dispatch.Call) { c.Groups.Times = c.Groups.Times[1:] },
		"1 watermarks where 3 belong":             func(c *dispatch.Call) { c.Groups.Watermarks = c.Groups.Watermarks[2:] },
		"0 timers where 1 belong":                 func(c *dispatch.Call) { c.Groups.Timers = nil },
		"timer 0: 2 moments of timer where 3 bel": func(c *dispatch.Call) { c.Groups.Timers[0] = c.Groups.Timers[0][1:] },
	} {
		call := keyedCall()
		spoil(call)
		if got, err := keyed(t).Request(call); err == nil || got != nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, %v; want an error with %q", got, err, says)
		}
	}
}

// FuzzGroups feeds any bytes at all as an answer to a call with groups. What is accepted must be safe to index.
func FuzzGroups(f *testing.F) {
	encoded, err := proto.Marshal(keyedAnswer())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Fuzz(func(t *testing.T, encoded []byte) {
		response := &workerv1.RunResponse{}
		if proto.Unmarshal(encoded, response) != nil {
			return
		}
		result, err := keyed(t).Result(keyedCall(), response)
		if err != nil {
			return
		}
		readColumn(t, result.Column, 3)
		for i := range 3 {
			if result.States[0].IsNull(i) != (result.States[0].At(i) == nil) {
				t.Fatalf("the state of group %d is no value and no absent one", i)
			}
			_ = result.Timers[0][i]
			if result.Taken != nil {
				_ = result.Taken[i]
			}
		}
	})
}
