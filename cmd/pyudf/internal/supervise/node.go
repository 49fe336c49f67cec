package supervise

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

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
	// Forget removes what the cluster keeps of a deployment that is deleted, Clear what this machine does.
	Forget func(ctx context.Context, d *controlv1.Deployment) error
	Clear  func(d *controlv1.Deployment) error
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

	// news has something when this node has to announce itself; stopping is closed when it ends.
	news, stopping chan struct{}
	// changes are those under way.
	changes sync.WaitGroup
	tidied  time.Time
	// told are the deployments that cannot be read, and of which that was said.
	told map[string]bool

	mu       sync.Mutex // guards the rest
	keepers  map[string]*charge
	journals map[string]*journal
	self     *controlv1.Node
	sights   sights
	prepared map[string]Candidate
	// over tells that nothing is begun any more.
	over bool
}

// charge is a keeper at work, and what is known of it.
type charge struct {
	*keeper

	now Candidate
	// heard is what the keeper was told last; leaving tells that this was that the deployment is gone.
	heard   *controlv1.Deployment
	leaving bool
}

// wish tells the keeper what is wanted now, unless it is leaving: then another one takes its place when it has.
func (k *charge) wish(d *controlv1.Deployment) {
	if k.leaving {
		return
	}
	if k.heard != nil && !follows(k.heard, d) {
		d = nil
	}
	k.heard, k.leaving = d, d == nil
	k.hear(d)
}

// follows tells whether a deployment is what became of another one of its name, which was not deleted in between.
func follows(before, after *controlv1.Deployment) bool {
	return after != nil && slices.ContainsFunc(after.GetVersions(), func(v *controlv1.Version) bool {
		return slices.ContainsFunc(before.GetVersions(), func(o *controlv1.Version) bool { return same(v, o) })
	})
}

// New returns a node that does nothing yet.
func New(config Config) *Node {
	return &Node{
		config: config, news: make(chan struct{}, 1), stopping: make(chan struct{}), told: map[string]bool{},
		keepers: map[string]*charge{}, journals: map[string]*journal{}, self: proto.CloneOf(config.Self), sights: sights{}, prepared: map[string]Candidate{},
	}
}

// Run brings what runs to what is wanted until ctx ends. Then everything that runs finishes what it has.
func (n *Node) Run(ctx context.Context) error {
	var keeping sync.WaitGroup
	defer n.leave(ctx)
	defer keeping.Wait()
	defer n.end()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		n.follow(ctx, &keeping)
		n.announce(ctx)
		n.alive()
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
	aside := n.aside()
	n.mu.Lock()
	for name, d := range wanted {
		k := n.keepers[name]
		if k == nil {
			k = n.keep(name)
			keeping.Go(func() { n.look(ctx, k) })
		}
		k.wish(d)
	}
	for name, k := range n.keepers {
		if wanted[name] == nil && !aside[name] {
			k.wish(nil)
		}
	}
	n.mu.Unlock()
	if now := time.Now(); len(aside) == 0 && now.Sub(n.tidied) > tidying {
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
	k := &charge{keeper: newKeeper(name)}
	k.logger = n.loggerOf(name)
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
	if k.gone && k.last != nil {
		if err := n.config.Clear(k.last); err != nil {
			k.logger.Warn("what this machine keeps of a deployment that is gone could not be removed", "cause", err)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.keepers, k.name)
	n.endWriting(k.name)
	n.self.Standings = slices.DeleteFunc(n.self.Standings, func(s *controlv1.Standing) bool { return s.GetDeployment() == k.name })
	n.wake()
}

// loggerOf returns what logs for a deployment, until endWriting. REQUIRES: n.mu is held.
func (n *Node) loggerOf(name string) *slog.Logger {
	j := n.journals[name]
	if j == nil {
		j = newJournal(n.self.GetId())
		n.journals[name] = j
	}
	j.writers++
	return tee(n.config.Logger, j, n.config.Level).With("deployment", name)
}

// endWriting forgets what was logged for a deployment if nobody can write more. REQUIRES: n.mu is held.
func (n *Node) endWriting(name string) {
	j := n.journals[name]
	if j.writers--; j.writers == 0 {
		delete(n.journals, name)
	}
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

// end has changes under way give up, and lets none begin.
func (n *Node) end() {
	n.mu.Lock()
	n.over = true
	n.mu.Unlock()
	close(n.stopping)
}

// leave tells the cluster that this node is gone, and frees what nobody took.
func (n *Node) leave(ctx context.Context) {
	n.changes.Wait()
	n.mu.Lock()
	left := slices.Collect(maps.Values(n.prepared))
	clear(n.prepared)
	n.mu.Unlock()
	for _, c := range left {
		c.Close()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), heartbeat)
	defer cancel()
	if err := n.config.Registry.Withdraw(ctx, n.self.GetId()); err != nil {
		n.config.Logger.Warn("the other nodes could not be told that this one is gone: they notice after a while", "cause", err)
	}
}

// At says where the others reach this node. REQUIRES: Run was not called yet.
func (n *Node) At(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.self.Address = address
}

// Node returns how this node is.
func (n *Node) Node() *controlv1.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	self := proto.CloneOf(n.self)
	self.SeenMs = time.Now().UnixMilli()
	return self
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

// runsOf returns what runs here of a deployment, of all if the name is empty.
func (n *Node) runsOf(name string) map[string]Candidate {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := map[string]Candidate{}
	for _, k := range n.keepers {
		if k.now != nil && (name == "" || name == k.name) {
			now[k.name] = k.now
		}
	}
	return now
}
