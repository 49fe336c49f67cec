package harness

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/deadletter"
	"github.com/pyudf/pyudf/engine/plan"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// WithoutFiles returns a plan that has topics of JSON where the app has files: their names are the paths.
func WithoutFiles(p *planv1.Plan) *planv1.Plan {
	p = proto.CloneOf(p)
	for _, s := range p.GetSources() {
		if file := s.GetFile(); file != nil {
			s.Kind = &planv1.Source_Topic{Topic: topicFor(file)}
		}
	}
	for _, s := range p.GetSteps() {
		if file := s.GetTo().GetFile(); file != nil {
			s.GetTo().Kind = &planv1.To_Topic{Topic: topicFor(file)}
		}
	}
	return p
}

func topicFor(file *planv1.File) *planv1.Topic {
	return &planv1.Topic{Name: file.GetPath(), Format: planv1.Format_FORMAT_JSON}
}

// NamesOf returns the topics that a plan names.
func NamesOf(p *planv1.Plan, compiled *plan.Plan) Names {
	dead, _ := deadletter.Home(p)
	n := Names{Inputs: []string{}, Outputs: []string{dead}, Late: []string{}, Dead: dead}
	for _, s := range compiled.Sources {
		if s.Proto != nil {
			n.Inputs = append(n.Inputs, s.Name)
		}
	}
	for _, to := range compiled.Sinks {
		n.Outputs = append(n.Outputs, plan.SinkName(to))
	}
	for _, s := range p.GetSteps() {
		if late := s.GetAggregate().GetLate().GetName(); late != "" && !slices.Contains(n.Late, late) {
			n.Late = append(n.Late, late)
		}
	}
	return n
}
