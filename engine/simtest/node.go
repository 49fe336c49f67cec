package simtest

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/dispatch"
	"github.com/pyudf/pyudf/engine/plan"
	"github.com/pyudf/pyudf/engine/source"
	"github.com/pyudf/pyudf/engine/state/memstate"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// node is a machine with a disk, on which one process after the other runs.
type node struct {
	world *World
	name  string
	root  *memstate.Root
	lives int
	// What follows is of the process that runs, or ran last.
	client   *Client
	disk     *Disk
	cancel   context.CancelFunc
	done     chan error
	over     bool
	stopping bool
	// active counts the processes that have not come to their end, those that are dead among them.
	active atomic.Int32
}

func newNode(w *World, i int) *node {
	return &node{world: w, name: "n" + strconv.Itoa(i), root: memstate.New(), over: true}
}

// running tells whether there is a process that is not dead.
func (n *node) running() bool { return !n.over }

// goingOn tells whether there is anything of processes, also of dead ones.
func (n *node) goingOn() bool { return n.active.Load() > 0 }

// ended tells whether the process has come to its end by itself.
func (n *node) ended() (err error, ended bool) {
	if n.over {
		return nil, false
	}
	select {
	case err := <-n.done:
		n.over = true
		n.world.conductor.kill(n.client)
		return err, true
	default:
		return nil, false
	}
}

// start starts a process. REQUIRES: none runs.
func (n *node) start(ctx context.Context) {
	n.lives++
	n.client = &Client{Name: fmt.Sprintf("%s.%d", n.name, n.lives)}
	n.disk = Mount(n.world.conductor, n.client, n.root)
	n.over, n.stopping = false, false
	done := make(chan error, 1)
	ctx, n.cancel = context.WithCancel(ctx)
	n.done = done
	n.active.Add(1)
	config := n.engine(n.client)
	go func() {
		defer n.active.Add(-1)
		done <- engine.Run(ctx, config)
	}()
}

// stop asks the process to finish.
func (n *node) stop() {
	if n.running() {
		n.stopping = true
		n.cancel()
	}
}

// crash ends the process at once.
func (n *node) crash() {
	if !n.running() {
		return
	}
	n.over = true
	n.world.conductor.kill(n.client)
	if err := n.disk.Unplug(); err != nil {
		n.world.err = err
	}
	n.cancel()
}

// wipe replaces the disk by an empty one, if nobody uses it.
func (n *node) wipe() bool {
	if n.running() || n.lives == 0 {
		return false
	}
	n.root = memstate.New()
	return true
}

// changelogOf begins the names of changelogs.
const changelogOf = "changelog of "

// commitInterval is how often the engine commits.
const commitInterval = 100 * time.Millisecond

// workers is as many as there are calls at a time, so that it is the gate where they wait, and not for a worker.
const workers = 20

func (n *node) engine(client *Client) engine.Config {
	w, cluster := n.world, n.world.cluster
	topic := func(ctx context.Context, name string) (source.Source, error) {
		s, err := cluster.OpenSource(ctx, client, name, n.name)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	config := engine.Config{
		Plan: w.config.Plan,
		OpenSource: func(ctx context.Context, s *planv1.Source) (source.Source, error) {
			return topic(ctx, s.GetTopic().GetName())
		},
		OpenOutlet: func(ctx context.Context, name string) (engine.Outlet, error) {
			if w.config.AtLeastOnce {
				return cluster.OpenAtLeastOnce(client, n.name+"/"+name), nil
			}
			o, err := cluster.OpenOutlet(ctx, client, n.name+"/"+name)
			if err != nil {
				return nil, err
			}
			return o, nil
		},
		OpenHop: func(ctx context.Context, to engine.HopTo) (engine.Hop, error) {
			create := Call{Client: client, Name: "create " + to.Stage, Do: func() error {
				cluster.Create(to.Stage, w.config.Hops)
				return nil
			}}
			if err := w.conductor.Call(ctx, create); err != nil {
				return engine.Hop{}, err
			}
			s, err := topic(ctx, to.Stage)
			return engine.Hop{Source: s, Partitions: w.config.Hops}, err
		},
		Partitions: func(context.Context, *planv1.Source) (int, error) { return len(w.config.Input), nil },
		State:      n.disk,
		Changelogs: &engine.Changelogs{
			Log: cluster.OpenLog(client), Topic: func(from *plan.Source) string { return changelogOf + from.Name },
		},
		Start: func(ctx context.Context) (dispatch.Worker, error) {
			return Employ(ctx, w.conductor, client, w.config.Start)
		},
		Workers:        workers,
		CommitInterval: commitInterval,
		Metrics:        w.config.Metrics(),
		Logger:         w.config.Logger.With("node", client.Name),
	}
	if w.shelf != nil {
		config.Snapshots, config.SnapshotInterval, config.Scratch = w.shelf.Of(client), 3*commitInterval, w.config.Scratch
	}
	return config
}
