package registry_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

// behind opens a registry behind a proxy.
func behind(t *testing.T, proxy *kafkatest.Proxy, name string) *registry.Registry {
	t.Helper()
	cluster := connect(t, proxy.Addr(), kafka.Settings{"socket.timeout.ms": "2000"}, discard())
	return (<-opening(within(t), registry.Config{Cluster: cluster, Name: name, Protocol: 1, Logger: discard()})).must(t)
}

func TestAChangeIsMadeOnceThoughItsNodeDoesNotHearThatItIs(t *testing.T) {
	t.Parallel()
	b, proxy := kafkatest.ProxiedKafka(t)
	for name, c := range map[string]struct {
		reply bool
		// revision is what the change comes to be: one whose end the brokers did not hear of is aborted by the next.
		revision uint64
	}{
		"the request to commit is lost": {false, 2},
		"the reply is lost":             {true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := clusterName(t)
			deaf, other := behind(t, proxy, cluster), open(t, b, registry.Config{Name: cluster})
			lost, over := make(chan struct{}), make(chan struct{})
			var once sync.Once
			proxy.Watch(func(api kafkatest.API, reply bool) kafkatest.Verdict {
				if api != kafkatest.EndTxn || reply != c.reply {
					return kafkatest.Pass
				}
				once.Do(func() { close(lost) })
				select {
				case <-over:
					return kafkatest.Pass
				default:
					return kafkatest.Cut
				}
			})
			fenced := make(chan struct{})
			go func() {
				defer close(fenced)
				defer close(over)
				select {
				case <-lost:
				case <-t.Context().Done():
				}
				if _, err := other.Change(within(t), "heat", addVersion); err != nil {
					t.Error(err)
				}
			}()
			d := change(t, deaf, addVersion)
			<-fenced
			if last := shows(t, deaf, 2); d.GetRevision() != c.revision || len(last.GetVersions()) != 2 {
				t.Errorf("it came to be %v, and after both changes there is %v", d, last)
			}
		})
	}
}

func TestANodeThatIsBehindReadsBeforeItChanges(t *testing.T) {
	t.Parallel()
	b, proxy := kafkatest.ProxiedKafka(t)
	name := clusterName(t)
	late, other := behind(t, proxy, name), open(t, b, registry.Config{Name: name})
	var held, changing atomic.Bool
	proxy.Watch(func(api kafkatest.API, reply bool) kafkatest.Verdict {
		if api == kafkatest.Fetch && reply {
			held.Store(true)
			return kafkatest.Silence
		}
		if api == kafkatest.InitProducerID && changing.Load() { // it is about to, and may read again
			go proxy.Watch(nil)
		}
		return kafkatest.Pass
	})
	change(t, other, addVersion)
	if d, ok := late.Deployment("heat"); ok {
		t.Errorf("it has read %v, though it could not", d)
	}
	changing.Store(true)
	if d := change(t, late, addVersion); !held.Load() || d.GetRevision() != 2 || len(d.GetVersions()) != 2 {
		t.Errorf("after its change there is %v", d)
	}
}
