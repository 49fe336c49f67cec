package supervise

import (
	"context"
	"errors"
	"testing"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// heir is a candidate that has only a cause.
type heir struct {
	Candidate

	follows error
}

func (h heir) Follows() error { return h.follows }

func TestARunLeavesItsGroupsForAVersionWithStateOfItsOwn(t *testing.T) {
	next := heir{follows: errors.New("it goes on where that one ends")}
	old := &controlv1.Version{Number: 1, StateEpoch: 1}
	if cause := succession(old, &controlv1.Version{Number: 2, StateEpoch: 1}, next); !errors.Is(cause, next.follows) {
		t.Errorf("with the same state it ends by %v", cause)
	}
	if cause := succession(old, &controlv1.Version{Number: 2, StateEpoch: 2}, next); !errors.Is(cause, context.Canceled) {
		t.Errorf("with other state it ends by %v", cause)
	}
}
