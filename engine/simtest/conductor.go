package simtest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// Conductor is a gate that lets one call after the other go on, as it draws them. All its methods but Call are called by one
// goroutine, while everybody else waits.
type Conductor struct {
	draw *rand.Rand
	// faulty tells that things go wrong.
	faulty bool
	// trace is what happened, the latest last.
	trace []string
	// frozen is the process that gets no turn for so many more.
	frozen *Client
	turns  int

	mu      sync.Mutex // guards waiting
	waiting []*waiting
}

var _ Gate = (*Conductor)(nil)

// waiting is a call that waits for its turn. done is nil if nobody waits for it.
type waiting struct {
	call Call
	done chan error
}

// NewConductor returns a gate that draws from a seed.
func NewConductor(seed uint64) *Conductor { return &Conductor{draw: rand.New(rand.NewPCG(seed, 17))} }

// Call implements Gate.
func (c *Conductor) Call(ctx context.Context, call Call) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiting{call, make(chan error, 1)}
	if !c.park(w) {
		return ErrDead
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
	}
	if c.leave(w) {
		return ctx.Err()
	}
	return <-w.done
}

func (c *Conductor) park(w *waiting) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.call.Client.dead.Load() {
		return false
	}
	c.waiting = append(c.waiting, w)
	return true
}

// leave gives a call up, and returns false if it has had its turn.
func (c *Conductor) leave(w *waiting) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, w)
	if i < 0 {
		return false
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return true
}

// Later implements Gate.
func (c *Conductor) Later(name string, do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, &waiting{call: Call{Name: name, Do: func() error {
		do()
		return nil
	}}})
}

// Pick implements Gate.
func (c *Conductor) Pick(n int) int { return c.draw.IntN(n) }

// Fault implements Gate.
func (c *Conductor) Fault(oneIn int) bool { return c.faulty && c.draw.IntN(oneIn) == 0 }

// Note adds to the trace.
func (c *Conductor) Note(format string, args ...any) {
	c.trace = append(c.trace, fmt.Sprintf(format, args...))
}

// ready returns the calls that can take effect, in an order that does not depend on who came first.
func (c *Conductor) ready() []*waiting {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*waiting
	for _, w := range c.waiting {
		frozen := c.turns > 0 && w.call.Client == c.frozen
		if !frozen && (w.call.Ready == nil || w.call.Ready()) {
			out = append(out, w)
		}
	}
	slices.SortStableFunc(out, func(a, b *waiting) int {
		return cmp.Or(cmp.Compare(a.client(), b.client()), cmp.Compare(a.call.Name, b.call.Name))
	})
	return out
}

func (w *waiting) client() string {
	if w.call.Client == nil {
		return "cluster"
	}
	return w.call.Client.Name
}

// release lets a call take effect.
func (c *Conductor) release(w *waiting) {
	c.turns = max(0, c.turns-1)
	c.leave(w)
	err := w.call.Do()
	if c.Note("%s: %s", w.client(), w.call.Name); err != nil {
		c.Note("  which gave: %v", err)
	}
	if w.done != nil {
		w.done <- err
	}
}

// freeze gives a process no turn while others have so many.
func (c *Conductor) freeze(client *Client, turns int) { c.frozen, c.turns = client, turns }

// kill ends a process: what it asked for does not take effect any more.
func (c *Conductor) kill(client *Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	client.dead.Store(true)
	c.waiting = slices.DeleteFunc(c.waiting, func(w *waiting) bool {
		if w.call.Client != client {
			return false
		}
		w.done <- ErrDead
		return true
	})
}
