package memstate_test

import (
	"testing"

	"github.com/pyudf/pyudf/engine/state"
	"github.com/pyudf/pyudf/engine/state/memstate"
	"github.com/pyudf/pyudf/engine/state/statetest"
)

func TestMemoryKeepsThePromisesOfAStore(t *testing.T) {
	statetest.Suite(t, func(*testing.T) state.Root { return memstate.New() })
}
