package outcome_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
)

func TestCodeTellsWhoHasToActNext(t *testing.T) {
	boom := errors.New("boom")
	for _, test := range []struct {
		name string
		err  error
		want int
	}{
		{"nothing went wrong", nil, 0},
		{"nothing to mend", outcome.Mendable(nil), 0},
		{"a failure", boom, 1},
		{"a fault of the user", outcome.Mendable(boom), 2},
		{"a wrapped fault of the user", fmt.Errorf("reading: %w", outcome.Mendf("no %s", "file")), 2},
	} {
		if got := outcome.Code(test.err); got != test.want {
			t.Errorf("%s: exit code %d, want %d", test.name, got, test.want)
		}
	}
}

func TestMarkingAnErrorKeepsItsTextAndItsChain(t *testing.T) {
	boom := errors.New("boom")
	err := outcome.Mendable(boom)
	if err.Error() != "boom" || !errors.Is(err, boom) {
		t.Fatalf("got %v, want boom itself", err)
	}
}
