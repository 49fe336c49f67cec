package simtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Gate decides when calls take effect. One call takes effect at a time, so that what they work on needs no locks.
type Gate interface {
	// Call waits until the call is ready and its turn has come, and returns what it gave, or ctx's error.
	Call(ctx context.Context, c Call) error
	// Later has something done that nobody waits for. It is called by calls that take effect.
	Later(name string, do func())
	// Pick chooses one of n.
	Pick(n int) int
	// Fault tells whether something goes wrong that is one in so many times.
	Fault(oneIn int) bool
}

// Call is something that a client asks for.
type Call struct {
	Client *Client
	Name   string
	// Ready tells whether the call can take effect; nil: always. Do makes it take effect.
	Ready func() bool
	Do    func() error
}

// Client is a process as others see it.
type Client struct {
	Name string
	// dead is set while the process does nothing.
	dead atomic.Bool
}

// ErrDead is what a process gets that is dead, and so does not notice.
var ErrDead = errors.New("the process is dead")

// Direct is a gate through which every call goes as soon as it is ready.
type Direct struct {
	mu      sync.Mutex // guards all that calls work on, and changed
	changed chan struct{}
}

var _ Gate = (*Direct)(nil)

// NewDirect returns a gate that is open.
func NewDirect() *Direct { return &Direct{changed: make(chan struct{})} }

// Call implements Gate.
func (d *Direct) Call(ctx context.Context, c Call) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		done, changed, err := d.try(c)
		if done {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-time.After(time.Millisecond): // a call may wait for its time
		}
	}
}

func (d *Direct) try(c Call) (done bool, changed <-chan struct{}, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.Ready != nil && !c.Ready() {
		return false, d.changed, nil
	}
	err = c.Do()
	close(d.changed)
	d.changed = make(chan struct{})
	return true, nil, err
}

// Later implements Gate: it is done at once.
func (d *Direct) Later(_ string, do func()) { do() }

// Pick implements Gate: it takes the last, which is the most where there is a choice of how much.
func (d *Direct) Pick(n int) int { return n - 1 }

// Fault implements Gate: nothing goes wrong.
func (d *Direct) Fault(int) bool { return false }
