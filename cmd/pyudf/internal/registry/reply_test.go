package registry_test

import (
	"sync/atomic"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

func TestAChangeIsMadeOnceWhateverBrokersDoNotSayOfItsEnd(t *testing.T) {
	t.Parallel()
	_, proxy := kafkatest.ProxiedKafka(t)
	for name, c := range map[string]struct {
		reply   bool
		verdict kafkatest.Verdict
	}{
		"request cut":    {false, kafkatest.Cut},
		"request silent": {false, kafkatest.Silence},
		"reply cut":      {true, kafkatest.Cut},
		"reply silent":   {true, kafkatest.Silence},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := connect(t, proxy.Addr(), kafka.Settings{"socket.timeout.ms": "2000"}, discard())
			r, err := registry.Open(within(t), registry.Config{Cluster: cluster, Name: clusterName(t), Protocol: 1, Logger: discard()})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close() //nolint:errcheck // what matters came before
			var lost atomic.Bool
			proxy.Watch(func(api kafkatest.API, reply bool) kafkatest.Verdict {
				if api == kafkatest.EndTxn && reply == c.reply && lost.CompareAndSwap(false, true) {
					return c.verdict
				}
				return kafkatest.Pass
			})
			first := change(t, r, addVersion)
			second := change(t, r, addVersion)
			if !lost.Load() || first.GetRevision() != 1 || second.GetRevision() != 2 || len(second.GetVersions()) != 2 {
				t.Errorf("lost: %v; it was %v, and is %v", lost.Load(), first, second)
			}
		})
	}
}
