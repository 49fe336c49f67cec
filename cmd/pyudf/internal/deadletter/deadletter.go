// Package deadletter owns where the records of an app go that no step could handle.
//
// It knows the plan and the sink port, no Kafka and no file format but JSON lines.
package deadletter

import planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"

// Home returns the name of the topic for the dead letters of an app, or of a file if the app touches no topic at all.
func Home(plan *planv1.Plan) (name string, topic bool) {
	if usesTopics(plan) {
		return plan.GetApp() + ".dlq", true
	}
	return plan.GetApp() + ".dlq.jsonl", false
}

func usesTopics(plan *planv1.Plan) bool {
	for _, source := range plan.GetSources() {
		if source.GetTopic() != nil {
			return true
		}
	}
	for _, step := range plan.GetSteps() {
		if step.GetTo().GetTopic() != nil {
			return true
		}
	}
	return false
}
