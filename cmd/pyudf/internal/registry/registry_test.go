package registry_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func TestNodesSeeEachOthersChanges(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name := clusterName(t)
		one, two := open(t, b, registry.Config{Name: name}), open(t, b, registry.Config{Name: name})
		written := change(t, one, addVersion)
		if own, _ := one.Deployment("heat"); written.GetRevision() != 1 || !proto.Equal(own, written) {
			t.Errorf("after the change the node itself has %v, want %v", own, written)
		}
		if seen := shows(t, two, 1); !proto.Equal(seen, written) {
			t.Errorf("the other node has %v, want %v", seen, written)
		}
		change(t, two, addVersion)
		if seen := shows(t, one, 2); len(seen.GetVersions()) != 2 {
			t.Errorf("the first node has %v", seen)
		}
		gone := change(t, one, func(*controlv1.Deployment) (*controlv1.Deployment, error) { return nil, nil }) //nolint:nilnil // it is to be deleted
		shows(t, two, 0)
		if gone != nil || len(two.Deployments()) > 0 {
			t.Errorf("after it was deleted there are %v, %v", gone, two.Deployments())
		}
		if got := change(t, two, addVersion); got.GetRevision() != 3 {
			t.Errorf("made anew it is %v", got)
		}
	})
}

func TestWhatIsAsItWasIsNotWritten(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := open(t, b, registry.Config{Name: clusterName(t)})
		change(t, r, addVersion)
		same := change(t, r, func(before *controlv1.Deployment) (*controlv1.Deployment, error) { return before, nil })
		if same.GetRevision() != 1 || len(same.GetVersions()) != 1 {
			t.Errorf("unchanged it is %v", same)
		}
		refusal := errors.New("not today")
		_, err := r.Change(within(t), "heat", func(before *controlv1.Deployment) (*controlv1.Deployment, error) {
			before.Stopped = true
			return before, refusal
		})
		if now, _ := r.Deployment("heat"); !errors.Is(err, refusal) || err.Error() != "not today" || !proto.Equal(now, same) {
			t.Errorf("refused by %v it is %v", err, now)
		}
		if _, err := r.Change(within(t), "a\nb", addVersion); err == nil || !strings.Contains(err.Error(), "cannot be the name") {
			t.Errorf("a name of two lines: %v", err)
		}
	})
}

func TestTheChangesOfManyAreAllMade(t *testing.T) {
	const nodes, goroutines, processes, each = 2, 2, 2, 4
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name := clusterName(t)
		ctx, revisions := within(t), map[uint64]bool{}
		var mu sync.Mutex // guards revisions
		var all sync.WaitGroup
		for range processes {
			all.Go(func() {
				if out, err := child(t, b, "4", name).CombinedOutput(); err != nil {
					t.Errorf("another process: %v: %s", err, out)
				}
			})
		}
		var last *registry.Registry
		for range nodes {
			r := open(t, b, registry.Config{Name: name})
			last = r
			for range goroutines {
				all.Go(func() {
					for range each {
						after, err := r.Change(ctx, "heat", addVersion)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						if revisions[after.GetRevision()] {
							t.Errorf("revision %d came twice", after.GetRevision())
						}
						revisions[after.GetRevision()] = true
						mu.Unlock()
					}
				})
			}
		}
		all.Wait()
		const total = (nodes*goroutines + processes) * each
		d := shows(t, last, total)
		for i, v := range d.GetVersions() {
			if v.GetNumber() != uint32(i+1) {
				t.Errorf("version %d is %v", i+1, v)
			}
		}
		if len(d.GetVersions()) != total || len(revisions) != nodes*goroutines*each {
			t.Errorf("%d versions, %d revisions, want %d", len(d.GetVersions()), len(revisions), total)
		}
	})
}

// kill starts another process that hangs in the midst of a change, and kills it.
func kill(t *testing.T, b *kafkatest.Broker, what, name string) {
	t.Helper()
	cmd := child(t, b, what, name)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close() //nolint:errcheck // the process is gone
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 200)
	n, err := stdout.Read(said)
	if string(said[:n]) != "open\n" {
		t.Errorf("the process said %q, %v", said[:n], err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
}

func TestANodeThatDiesInTheMidstOfAChangeHoldsUpNoOther(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name := clusterName(t)
		r := open(t, b, registry.Config{Name: name})
		change(t, r, addVersion)
		kill(t, b, "holding", name)
		// The transaction ends by itself after 10 minutes only, so that what comes now is because of the fence.
		late := open(t, b, registry.Config{Name: name})
		if d := shows(t, late, 1); len(d.GetVersions()) != 1 {
			t.Errorf("a node that starts meanwhile has %v", d)
		}
		change(t, late, addVersion)
		shows(t, r, 2)
	})
}

func TestWhatANodeThatDiedHadBegunEndsByItself(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name := clusterName(t)
		r, other := open(t, b, registry.Config{Name: name}), open(t, b, registry.Config{Name: name})
		change(t, r, addVersion)
		kill(t, b, "hanging", name)
		if err := r.Announce(within(t), &controlv1.Node{Id: "n1"}); err != nil {
			t.Fatal(err)
		}
		if err := other.Wait(within(t), func() bool { return len(other.Nodes()) == 1 }); err != nil {
			t.Errorf("the heartbeat behind it did not come: %v", err)
		}
		shows(t, other, 1)
	})
}

func TestNodesHearOfEachOtherUntilTheyWithdraw(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name, now := clusterName(t), time.UnixMilli(1_700_000_000_000)
		one := open(t, b, registry.Config{Name: name, Now: func() time.Time { return now }})
		two := open(t, b, registry.Config{Name: name})
		<-two.Changed()
		node := &controlv1.Node{Id: "n1", Standings: []*controlv1.Standing{{Deployment: "heat", Revision: 3}}}
		for range 3 {
			if err := one.Announce(within(t), node); err != nil {
				t.Fatal(err)
			}
		}
		if err := two.Wait(within(t), func() bool { return len(two.Nodes()) == 1 }); err != nil {
			t.Fatal(err)
		}
		seen := two.Nodes()[0]
		if seen.GetSeenMs() != now.UnixMilli() || seen.GetStandings()[0].GetRevision() != 3 || !registry.Alive(seen, now) || registry.Alive(seen, time.Now()) {
			t.Errorf("the other node sees %v", seen)
		}
		if err := one.Withdraw(within(t), "n1"); err != nil {
			t.Fatal(err)
		}
		if err := two.Wait(within(t), func() bool { return len(two.Nodes()) == 0 }); err != nil {
			t.Errorf("it did not go: %v", two.Nodes())
		}
		select {
		case <-two.Changed():
			t.Error("heartbeats count as changes of deployments")
		default:
		}
		change(t, one, addVersion)
		select {
		case <-two.Changed():
		case <-within(t).Done():
			t.Error("the change was not told")
		}
	})
}

func TestADeploymentOfANewerNodeIsKeptAsItIs(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name := clusterName(t)
		newer, older := open(t, b, registry.Config{Name: name, Protocol: 2}), open(t, b, registry.Config{Name: name})
		written := change(t, newer, func(*controlv1.Deployment) (*controlv1.Deployment, error) {
			return &controlv1.Deployment{Protocol: 2}, nil
		})
		if err := older.Wait(within(t), func() bool { return len(older.Aside()) == 1 }); err != nil {
			t.Fatal(err)
		}
		_, err := older.Change(within(t), "heat", addVersion)
		if want := `deployment "heat" needs protocol 2, this node speaks 1: update pyudf on this node`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the older node's change: %v", err)
		}
		if a := older.Aside()[0]; a.Deployment != "heat" || a.Protocol != 2 || len(older.Deployments()) > 0 {
			t.Errorf("aside %+v, deployments %v", a, older.Deployments())
		}
		if d, _ := newer.Deployment("heat"); !proto.Equal(d, written) {
			t.Errorf("it is %v now", d)
		}
	})
}

func TestATopicThatIsNotAsItHasToBeIsRefused(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		for name, c := range map[string]struct {
			partitions int
			settings   map[string]string
			want       string
		}{
			"policy":     {1, map[string]string{"cleanup.policy": "delete"}, "cleanup.policy=delete, so what is kept there would be deleted after some time: run `kafka-configs"},
			"both":       {1, map[string]string{"cleanup.policy": "compact,delete"}, "--add-config cleanup.policy=compact`, or take another name"},
			"partitions": {3, map[string]string{"cleanup.policy": "compact"}, "it has 3 partitions, but needs to have one"},
		} {
			t.Run(name, func(t *testing.T) {
				cluster := clusterName(t)
				b.CreateTopicWith(t, "_pyudf-"+cluster, c.partitions, c.settings)
				_, err := registry.Open(within(t), registry.Config{Cluster: connect(t, b.Addr(), nil, discard()), Name: cluster, Logger: discard()})
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), cluster) {
					t.Errorf("got %v, want %s", err, c.want)
				}
			})
		}
		_, err := registry.Open(within(t), registry.Config{Cluster: connect(t, b.Addr(), nil, discard()), Name: "a/b", Logger: discard()})
		if want := `"a/b" cannot be the name of a cluster, as its topic has it: use letters, digits, '.', '_' and '-', at most 242`; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

func TestTheTopicKeepsWhatCountsAlone(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name := clusterName(t)
		open(t, b, registry.Config{Name: name})
		settings := b.TopicSettings(t, "_pyudf-"+name)
		if settings["cleanup.policy"] != "compact" || settings["segment.ms"] != "14400000" || b.Partitions(t, "_pyudf-"+name) != 1 {
			t.Errorf("it has %d partitions and the settings %v", b.Partitions(t, "_pyudf-"+name), settings)
		}
	})
}

func TestAChangeThatBrokersDoNotTakeInTimeSaysSo(t *testing.T) {
	kafkatest.EachOwn(t, func(t *testing.T, b *kafkatest.Broker) {
		r := open(t, b, registry.Config{Name: clusterName(t)})
		b.Stop(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Change(ctx, "heat", addVersion)
		if want := `change deployment "heat": the brokers did not answer in time, nothing has changed`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}
