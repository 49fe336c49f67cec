package wire

import (
	"fmt"

	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Function is what the conversions need to know of a user's function: the messages carry buffers without types.
type Function struct {
	// answers is what answers look like.
	answers dispatch.Function
	// columns tells that the parameters' columns travel, else the records' own bytes.
	columns bool
	params  []record.Type
	// aggregator tells that calls name an action.
	aggregator bool
}

// Functions returns the functions of a worker's plan by their ids.
func Functions(plan *planv1.Plan) (map[string]*Function, error) {
	functions := make(map[string]*Function, len(plan.GetFunctions()))
	for _, described := range plan.GetFunctions() {
		f, err := newFunction(described)
		if err != nil {
			return nil, fmt.Errorf("function %q of the worker's plan: %w", described.GetId(), err)
		}
		if functions[f.answers.ID] != nil {
			return nil, fmt.Errorf("function %q stands twice in the worker's plan", f.answers.ID)
		}
		functions[f.answers.ID] = f
	}
	return functions, nil
}

func newFunction(described *planv1.Function) (*Function, error) {
	f := &Function{
		answers: dispatch.Function{
			ID:       described.GetId(),
			PerGroup: described.GetKind() == planv1.Kind_KIND_GROUPS,
			States:   len(described.GetStates()),
			Timers:   len(described.GetTimers()),
		},
		aggregator: described.GetKind() == planv1.Kind_KIND_AGGREGATOR,
	}
	if f.aggregator {
		f.answers.States = 1
	}
	switch input := described.GetInput(); input {
	case planv1.Input_INPUT_COLUMNS:
		f.columns = true
	case planv1.Input_INPUT_RECORDS:
	default:
		return nil, fmt.Errorf("its input %s is not known to this engine", input)
	}
	switch output := described.GetOutput(); output {
	case planv1.Output_OUTPUT_COLUMN:
		f.answers.Result = typeOf(described.GetResultType())
		if f.answers.Result == record.Unknown {
			return nil, fmt.Errorf("its result type %s is not known to this engine", described.GetResultType())
		}
	case planv1.Output_OUTPUT_RECORDS:
		f.answers.Records = true
	default:
		return nil, fmt.Errorf("its output %s is not known to this engine", output)
	}
	return f, f.addParams(described.GetParams())
}

func (f *Function) addParams(params []*planv1.Param) error {
	if !f.columns {
		return nil
	}
	for _, param := range params {
		t := typeOf(param.GetType())
		if t == record.Unknown {
			return fmt.Errorf("the type %s of parameter %q is not known to this engine", param.GetType(), param.GetName())
		}
		f.params = append(f.params, t)
	}
	return nil
}

func typeOf(t planv1.Type) record.Type {
	switch t {
	case planv1.Type_TYPE_BOOL:
		return record.Bool
	case planv1.Type_TYPE_INT64:
		return record.Int64
	case planv1.Type_TYPE_FLOAT64:
		return record.Float64
	case planv1.Type_TYPE_STRING:
		return record.String
	case planv1.Type_TYPE_DECIMAL:
		return record.Decimal
	case planv1.Type_TYPE_TIMESTAMP:
		return record.Timestamp
	case planv1.Type_TYPE_JSON:
		return record.JSON
	default:
		return record.Unknown
	}
}
