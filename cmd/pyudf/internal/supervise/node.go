package supervise

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/status"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// Config is what a node needs.
type Config struct {
	// Self is who it is; Run fills in how it stands.
	Self     *controlv1.Node
	Registry Registry
	Peers    Peers
	Prepare  Prepare
	// Check says what is wrong with a version, given the one that it follows, nil if there is none.
	Check func(ctx context.Context, before, after *controlv1.Version) error
	// Open looks into an archive.
	Open func(ctx context.Context, archive []byte) (*Bundle, error)
	// Forget removes what the cluster and this machine keep of a deployment that is deleted.
	Forget func(ctx context.Context, d *controlv1.Deployment) error
	// Tidy is told which versions there are, so that what belongs to others can go.
	Tidy func(versions []*controlv1.Version)
	// Probe, if there is one, is told of each point of a change that a crash may follow.
	Probe  func(point string)
	Level  slog.Leveler
	Logger *slog.Logger
}

// Bundle is what an archive says of itself.
type Bundle struct {
	App, Archive, Hash, Content string
	Bytes                       uint64
}

// Node is this process among those of its cluster.
type Node struct {
	config Config

	mu       sync.Mutex // guards the rest
	keepers  map[string]*charge
	self     *controlv1.Node
	news     chan struct{}
	prepared map[string]Candidate
	tidied   time.Time
	// told are the deployments that cannot be read, and of which that was said.
	told map[string]bool
}

// charge is a keeper at work, and what is known of it.
type charge struct {
	*keeper

	journal *journal
	done    chan struct{}
	now     Candidate
}

// New returns a node that does nothing yet.
func New(config Config) *Node {
	return &Node{config: config, keepers: map[string]*charge{}, self: proto.CloneOf(config.Self), news: make(chan struct{}, 1), prepared: map[string]Candidate{}, told: map[string]bool{}}
}

// heartbeat is how often a node says that it is there; a node that has not for a while does not count.
const (
	heartbeat = 5 * time.Second
	presumed  = 4 * heartbeat
)

// Run brings what runs to what is wanted until ctx ends. Then everything that runs finishes what it has.
func (n *Node) Run(ctx context.Context) error {
	var keeping sync.WaitGroup
	defer n.leave(ctx)
	defer keeping.Wait()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		n.follow(ctx, &keeping)
		n.announce(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-n.config.Registry.Changed():
		case <-n.news:
		case <-beat.C:
		}
	}
}

// follow tells each keeper what is wanted, and gives deployments that are new one.
func (n *Node) follow(ctx context.Context, keeping *sync.WaitGroup) {
	wanted := map[string]*controlv1.Deployment{}
	var versions []*controlv1.Version
	for _, d := range n.config.Registry.Deployments() {
		wanted[d.GetName()] = d
		versions = append(versions, d.GetVersions()...)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, d := range wanted {
		k := n.keepers[name]
		if k == nil {
			k = n.keep(name)
			keeping.Go(func() { n.look(ctx, k) })
		}
		k.hear(d)
	}
	aside := n.aside()
	for name, k := range n.keepers {
		if wanted[name] == nil && !aside[name] {
			k.hear(nil)
		}
	}
	if now := time.Now(); now.Sub(n.tidied) > tidying {
		n.tidied = now
		n.config.Tidy(versions)
	}
}

// aside returns the deployments that the cluster has and this node cannot read: what runs of them goes on.
func (n *Node) aside() map[string]bool {
	names := map[string]bool{}
	for _, a := range n.config.Registry.Aside() {
		if a.Deployment == "" {
			continue
		}
		names[a.Deployment] = true
		if !n.told[a.Key+a.Reason] {
			n.told[a.Key+a.Reason] = true
			n.config.Logger.Error("a deployment cannot be read", "deployment", a.Deployment, "cause", a.Reason)
		}
	}
	return names
}

// tidying is how often it is looked for what is not needed any more.
const tidying = 10 * time.Minute

// keep makes a keeper. REQUIRES: n.mu is held.
func (n *Node) keep(name string) *charge {
	k := &charge{keeper: newKeeper(name), journal: newJournal(n.self.GetId()), done: make(chan struct{})}
	k.logger = tee(n.config.Logger, k.journal, n.config.Level).With("deployment", name)
	k.tell = n.tell
	k.hold = func(c Candidate) {
		n.mu.Lock()
		defer n.mu.Unlock()
		k.now = c
	}
	k.prepare = func(ctx context.Context, v *controlv1.Version, progress func(string)) (Candidate, error) {
		if c := n.take(name, v); c != nil {
			return c, nil
		}
		return n.config.Prepare(ctx, Job{Deployment: name, Version: v, Logger: k.logger}, progress)
	}
	n.keepers[name] = k
	return k
}

// look runs a keeper, and forgets it behind it.
func (n *Node) look(ctx context.Context, k *charge) {
	k.run(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.keepers, k.name)
	n.self.Standings = slices.DeleteFunc(n.self.Standings, func(s *controlv1.Standing) bool { return s.GetDeployment() == k.name })
	close(k.done)
	n.wake()
}

// tell notes how a deployment stands here.
func (n *Node) tell(s *controlv1.Standing) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.self.Standings, func(o *controlv1.Standing) bool { return o.GetDeployment() == s.GetDeployment() })
	switch {
	case i < 0:
		n.self.Standings = append(n.self.Standings, s)
	case proto.Equal(n.self.Standings[i], s):
		return
	default:
		n.self.Standings[i] = s
	}
	n.wake()
}

// wake has the node announce itself.
func (n *Node) wake() {
	select {
	case n.news <- struct{}{}:
	default:
	}
}

func (n *Node) announce(ctx context.Context) {
	if err := n.config.Registry.Announce(ctx, n.Node()); err != nil && ctx.Err() == nil {
		n.config.Logger.Warn("the other nodes could not be told how this one is", "cause", err)
	}
}

// leave tells the cluster that this node is gone, and frees what nobody took.
func (n *Node) leave(ctx context.Context) {
	n.mu.Lock()
	for key, c := range n.prepared {
		c.Close()
		delete(n.prepared, key)
	}
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), heartbeat)
	defer cancel()
	if err := n.config.Registry.Withdraw(ctx, n.self.GetId()); err != nil {
		n.config.Logger.Warn("the other nodes could not be told that this one is gone: they notice after a while", "cause", err)
	}
}

// At says where the others reach this node. REQUIRES: Run was not called yet.
func (n *Node) At(address string) { n.self.Address = address }

// Node returns how this node is.
func (n *Node) Node() *controlv1.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	self := proto.CloneOf(n.self)
	self.SeenMs = time.Now().UnixMilli()
	return self
}

// alive returns the nodes that said something lately, this one as it is now.
func (n *Node) alive() []*controlv1.Node {
	self := n.Node()
	all := []*controlv1.Node{self}
	for _, other := range n.config.Registry.Nodes() {
		if other.GetId() != self.GetId() && isAlive(other, time.Now()) {
			all = append(all, other)
		}
	}
	slices.SortFunc(all, byID)
	return all
}

func byID(a, b *controlv1.Node) int { return cmp.Compare(a.GetId(), b.GetId()) }

func isAlive(node *controlv1.Node, now time.Time) bool {
	return now.Sub(time.UnixMilli(node.GetSeenMs())) < presumed
}

// adopt keeps a candidate for the keeper of its deployment.
func (n *Node) adopt(name string, v *controlv1.Version, c Candidate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.prepared[keyOf(name, v)] = c
}

// take returns a candidate that was adopted, nil if there is none.
func (n *Node) take(name string, v *controlv1.Version) Candidate {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.prepared[keyOf(name, v)]
	delete(n.prepared, keyOf(name, v))
	return c
}

func keyOf(name string, v *controlv1.Version) string {
	return fmt.Sprintf("%s/%d/%s/%d", name, v.GetNumber(), v.GetArchive(), v.GetDeployedMs())
}

// runsOf returns how the runs of a deployment are here, of all if the name is empty.
func (n *Node) runsOf(name string) map[string]status.Run {
	n.mu.Lock()
	now := map[string]Candidate{}
	for _, k := range n.keepers {
		if k.now != nil && (name == "" || name == k.name) {
			now[k.name] = k.now
		}
	}
	n.mu.Unlock()
	runs := map[string]status.Run{}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		runs[name] = now[name].Status()
	}
	return runs
}
