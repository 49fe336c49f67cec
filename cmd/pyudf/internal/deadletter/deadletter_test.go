package deadletter_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/prototext"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/deadletter"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func TestDeadLettersGoWhereTheAppGoes(t *testing.T) {
	const fromFile, fromTopic = `app: "heat" sources { file { path: "a.csv" } }`, `app: "heat" sources { topic { name: "a" } }`
	const toFile, toTopic = `steps { to { file { path: "b.jsonl" } } }`, `steps { drop { fields: "x" } } steps { to { topic { name: "b" } } }`
	for _, test := range []struct {
		plan, name string
		topic      bool
	}{
		{fromTopic + toTopic, "heat.dlq", true},
		{fromTopic + toFile, "heat.dlq", true},
		{fromFile + toTopic, "heat.dlq", true},
		{fromFile + toFile, "heat.dlq.jsonl", false},
	} {
		var plan planv1.Plan
		if err := prototext.Unmarshal([]byte(test.plan), &plan); err != nil {
			t.Fatal(err)
		}
		if name, topic := deadletter.Home(&plan); name != test.name || topic != test.topic {
			t.Errorf("%s: got %s, topic %t, want %s, topic %t", test.plan, name, topic, test.name, test.topic)
		}
	}
}
