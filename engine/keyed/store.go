package keyed

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/engine/state"
)

// How a task's state is laid out: what is known of the task below 'm', the cells of windows below 'w' and what the step calls
// its state (plan.Step.State).
const (
	keyPosition = "mposition"
	keyClock    = "mclock"
	keySpread   = "mspread"    // behind a hop: over how many partitions its keys are spread
	keyShape    = "mshape/"    // and the state's name: what it is of
	keyProgress = "mprogress/" // and the state's name
	keyCells    = "w"          // the state's name, '/', and the cell's number, four bytes, the highest first
)

// ErrOtherSpread says that the keys of stored state were spread over another number of partitions.
var ErrOtherSpread = errors.New("the stored state belongs to another number of partitions")

// ErrOtherShape says that stored state belongs to another pipeline than the one that is run.
var ErrOtherShape = errors.New("the stored state was made by another pipeline")

// Position returns the position that a store's state reflects; -1 if there is none.
func Position(store state.Store) (int64, error) {
	value, ok, err := store.Get([]byte(keyPosition))
	if err != nil || !ok {
		return -1, err
	}
	position, n := binary.Varint(value)
	if n <= 0 {
		return -1, errors.New("the saved position is damaged")
	}
	return position, nil
}

// Saved tells whether a store has state, with a position or without.
func Saved(store state.Store) (bool, error) {
	_, ok, err := store.Get([]byte(keyClock))
	return ok, err
}

// Spread returns over how many partitions the keys of a stage behind a hop are spread; 0 if that was not saved.
func Spread(store state.Store) (int, error) {
	saved, ok, err := store.Get([]byte(keySpread))
	if err != nil || !ok {
		return 0, err
	}
	n, size := binary.Uvarint(saved)
	if size <= 0 || n > math.MaxInt32 {
		return 0, errors.New("the saved number of partitions is damaged")
	}
	return int(n), nil //nolint:gosec // it is at most that
}

// Changes returns all that changed since the last Apply, with the position of the input that it reflects. They are valid
// until then, and more may be added. If the input is in the process, the position is left as it was.
func (f *Flow) Changes(position int64) *state.Changes {
	return f.overlay.Gather(func(changes *state.Changes) {
		if !f.config.InProcess {
			changes.Set([]byte(keyPosition), binary.AppendVarint(nil, position))
		}
		if f.config.Spread > 0 {
			changes.Set([]byte(keySpread), binary.AppendUvarint(nil, uint64(f.config.Spread))) //nolint:gosec // not negative
		}
		changes.Set([]byte(keyClock), f.clock.append(nil))
		f.visit(f.nodes, func(n *node) { f.closed += n.save(changes) })
	})
}

// Apply stores what Changes returned, at once. REQUIRES: what Commit gave is delivered, and nothing was taken since Changes.
func (f *Flow) Apply() error {
	if err := f.overlay.Apply(); err != nil {
		return fmt.Errorf("save the state of %s [%d]: %w", f.config.Partition.Topic, f.config.Partition.Index, err)
	}
	return f.compact()
}

// Bytes returns how much of the state waits for the next Apply, beside windows, which are in memory in any case.
func (f *Flow) Bytes() int { return f.overlay.Bytes() }

// worthwhile is how many windows must have been closed before their room in the store is asked back.
const worthwhile = 50_000

// compact asks the store for the room of closed windows, when they were many and few are open.
func (f *Flow) compact() error {
	open := 0
	f.visit(f.nodes, func(n *node) {
		if n.windows != nil {
			open += n.windows.Open()
		}
	})
	if f.closed < worthwhile || f.closed < 4*open {
		return nil
	}
	f.closed = 0
	if err := f.config.Store.Compact(); err != nil {
		return fmt.Errorf("give the room of closed windows back: %w", err)
	}
	return nil
}

func (n *node) save(changes *state.Changes) (closed int) {
	if n.saved == "" {
		changes.Set([]byte(keyShape+n.step.State), []byte(n.step.Shape()))
		n.saved = savedShape
	}
	if !n.described {
		changes.Set([]byte(keyAbout+n.step.State), about(n.step))
		n.described = true
	}
	if n.windows == nil {
		return 0
	}
	if progress := string(n.windows.AppendProgress(nil)); progress != n.saved {
		changes.Set([]byte(keyProgress+n.step.State), []byte(progress))
		n.saved = progress
	}
	prefix := n.cells()
	n.windows.Save(func(cell uint32, encoded []byte) {
		at := binary.BigEndian.AppendUint32(slices.Clip(prefix), cell)
		if encoded == nil {
			changes.Delete(at)
			closed++
		} else {
			changes.Set(at, encoded)
		}
	})
	return closed
}

// savedShape stands in node.saved for a node of which nothing but the shape was saved.
const savedShape = "-"

func (n *node) cells() []byte { return []byte(keyCells + n.step.State + "/") }

// visit does something for all nodes that keep anything.
func (f *Flow) visit(nodes []*node, do func(*node)) {
	for _, n := range nodes {
		if n.sender == nil {
			do(n)
		}
		f.visit(n.next, do)
	}
}

// load takes over what was saved, and returns its position.
func (f *Flow) load() (int64, error) {
	position, err := Position(f.config.Store)
	if err != nil {
		return 0, err
	}
	clock, saved, err := f.config.Store.Get([]byte(keyClock))
	if err != nil || !saved {
		return position, err
	}
	if err = f.clock.load(clock); err == nil {
		err = errors.Join(f.checkSpread(), f.checkShapes())
	}
	if err != nil {
		return 0, err
	}
	var errs []error
	f.visit(f.nodes, func(n *node) { errs = append(errs, f.loadNode(n)) })
	return position, errors.Join(errs...)
}

// checkSpread makes sure that a key's state is in the partition that its records come to. State that was saved before
// Spread was is taken as it is.
func (f *Flow) checkSpread() error {
	return CheckSpread(f.config.Store, f.config.Partition.Topic, f.config.Spread)
}

// CheckSpread returns an error if the state in a store is of keys that were spread over another number of partitions.
func CheckSpread(store state.Store, topic string, partitions int) error {
	was, err := Spread(store)
	if err != nil || was == 0 || partitions == 0 || was == partitions {
		return err
	}
	return fmt.Errorf("%w: the keys of %s were spread over %d partitions and are now over %d; begin anew with another --group",
		ErrOtherSpread, topic, was, partitions)
}

// checkShapes makes sure that all that is stored is of a step which is there.
func (f *Flow) checkShapes() error {
	now := map[string]string{}
	f.visit(f.nodes, func(n *node) { now[n.step.State] = n.step.Shape() })
	return f.config.Store.Scan([]byte(keyShape), func(at, was []byte) error {
		if now[string(at[len(keyShape):])] == string(was) {
			return nil
		}
		is := slices.Sorted(maps.Values(now))
		return fmt.Errorf("%w: what is stored for %s [%d] has\n  %s\nand the app as it is now keeps\n  %s\n"+
			"run the app as it was, or begin anew with --reset-state or another --group",
			ErrOtherShape, f.config.Partition.Topic, f.config.Partition.Index, was, cmp.Or(strings.Join(is, "\n  "), "nothing"))
	})
}

// Shapes returns what a store says of each state that it has.
func Shapes(store state.Store) (shapes []string, err error) {
	err = store.Scan([]byte(keyShape), func(_, shape []byte) error {
		shapes = append(shapes, string(shape))
		return nil
	})
	return shapes, err
}

func (f *Flow) loadNode(n *node) error {
	_, ok, err := f.config.Store.Get([]byte(keyShape + n.step.State))
	if err != nil || !ok {
		return err
	}
	n.saved = savedShape
	if n.keeper != nil {
		return n.keeper.load()
	}
	progress, ok, err := f.config.Store.Get([]byte(keyProgress + n.step.State))
	if err != nil || !ok {
		return err
	}
	n.saved = string(progress)
	if err := n.windows.LoadProgress(progress); err != nil {
		return err
	}
	prefix := n.cells()
	err = f.config.Store.Scan(prefix, func(key, value []byte) error {
		return n.windows.Load(binary.BigEndian.Uint32(key[len(prefix):]), value)
	})
	n.windows.Loaded()
	return err
}
