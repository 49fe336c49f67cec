package engine

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pyudf/pyudf/engine/keyed"
	"github.com/pyudf/pyudf/engine/state"
)

// errOrphan says that there is state which the plan does not go on with.
var errOrphan = errors.New("there is state that the app as it is now would lose")

// checkOrphans refuses a plan that leaves a store of the group behind: without a word, what is in there would be lost. Stores
// that another process has are for that to check.
func (e *engine) checkOrphans() error {
	root, ok := e.config.State.(state.Lister)
	if !ok || e.config.ResetState {
		return nil
	}
	names, err := root.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !regexp.MustCompile(`^(topic|stage|file)-.+-[0-9]+$`).MatchString(name) || e.goesOnWith(name) {
			continue
		}
		err := e.stores.look(e.stores.root, name, func(store state.Store) error {
			shapes, err := keyed.Shapes(store)
			if err == nil && len(shapes) > 0 {
				err = fmt.Errorf("%w: %s keeps\n  %s\nand nothing reads it; run the app as it was, or begin anew with --reset-state or another --group",
					errOrphan, name, strings.Join(shapes, "\n  "))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// goesOnWith tells whether a store is that of a task which keeps anything.
func (e *engine) goesOnWith(name string) bool {
	for _, from := range e.plan.Sources {
		number, is := strings.CutPrefix(name, storePrefix(from))
		if is && !strings.ContainsFunc(number, func(r rune) bool { return r < '0' || r > '9' }) && e.keeps(from) {
			return true
		}
	}
	return false
}
