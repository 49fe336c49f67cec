package registry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/registry"
	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// archive returns bytes that no other archive has, and that do not become smaller.
func archive(size int) []byte {
	out := make([]byte, size)
	source := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)})
	_, _ = source.Read(out)
	return out
}

func putBundle(t *testing.T, r *registry.Registry, data []byte) string {
	t.Helper()
	sha, err := r.PutBundle(within(t), data)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

func wantBundle(t *testing.T, r *registry.Registry, sha string, want []byte) {
	t.Helper()
	if got, err := r.Bundle(within(t), sha); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came of %d, %v", len(got), len(want), err)
	}
}

// deploy makes a bundle the only version.
func deploy(sha string) func(*controlv1.Deployment) (*controlv1.Deployment, error) {
	return func(*controlv1.Deployment) (*controlv1.Deployment, error) {
		return &controlv1.Deployment{Versions: []*controlv1.Version{{Number: 1, Archive: sha}}}, nil
	}
}

// parts counts the records in the topic that are of bundles, and of the deployment heat.
func parts(t *testing.T, b *kafkatest.Broker, cluster string) (bundles, heat int) {
	t.Helper()
	for _, r := range b.ReadAll(t, "_pyudf-"+cluster) {
		if strings.HasPrefix(string(r.Key), "bundle/") && r.Value != nil {
			bundles++
		}
		if string(r.Key) == "deployment/heat" {
			heat++
		}
	}
	return bundles, heat
}

func TestABundleArrivesWholeOnEveryNode(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name, data := clusterName(t), archive(5<<20)
		one, two := open(t, b, registry.Config{Name: name}), open(t, b, registry.Config{Name: name})
		sha := putBundle(t, one, data)
		if sum := sha256.Sum256(data); sha != hex.EncodeToString(sum[:]) {
			t.Errorf("it is kept as %s", sha)
		}
		change(t, one, deploy(sha))
		shows(t, two, 1)
		wantBundle(t, two, sha, data)
		if again := putBundle(t, two, data); again != sha {
			t.Errorf("put again it is %s", again)
		}
		if bundles, _ := parts(t, b, name); bundles != 6 {
			t.Errorf("the topic has %d parts of it, want 6", bundles)
		}
		wantBundle(t, one, sha, data)
	})
}

func TestPartsFitWhatTheTopicTakes(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name, data := clusterName(t), archive(300_000)
		b.CreateTopicWith(t, "_pyudf-"+name, 1, map[string]string{"cleanup.policy": "compact", "max.message.bytes": "50000"})
		r := open(t, b, registry.Config{Name: name})
		wantBundle(t, r, putBundle(t, r, data), data)
		_, err := r.Change(within(t), "heat", func(*controlv1.Deployment) (*controlv1.Deployment, error) {
			return &controlv1.Deployment{Versions: []*controlv1.Version{{DeployedBy: strings.Repeat("x", 60_000)}}}, nil
		})
		if err == nil || !strings.Contains(err.Error(), "keep fewer versions, or raise max.message.bytes of the topic") {
			t.Errorf("a deployment that is too large: %v", err)
		}
	})
}

func TestADeploymentNamesNoBundleThatIsNotThere(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := open(t, b, registry.Config{Name: clusterName(t)})
		sha := strings.Repeat("0", 64)
		if _, err := r.Change(within(t), "heat", deploy(sha)); !errors.Is(err, registry.ErrNoBundle) || !strings.Contains(err.Error(), sha+", or not all of it: deploy it again") {
			t.Errorf("deployed: %v", err)
		}
		if _, err := r.Bundle(within(t), sha); !errors.Is(err, registry.ErrNoBundle) {
			t.Errorf("read: %v", err)
		}
		if _, err := r.PutBundle(within(t), nil); err == nil {
			t.Error("a bundle of no bytes is kept")
		}
		if len(r.Deployments()) > 0 {
			t.Errorf("there are %v", r.Deployments())
		}
	})
}

func TestABundleThatIsDamagedIsNotedAndPutAgain(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name, data := clusterName(t), archive(100)
		r := open(t, b, registry.Config{Name: name})
		sum := sha256.Sum256(data)
		sha := hex.EncodeToString(sum[:])
		headers := []kafkatest.Header{{Key: "at", Value: []byte("0")}, {Key: "size", Value: []byte("5")}}
		b.Produce(t, "_pyudf-"+name, kafkatest.Record{Key: []byte("bundle/" + sha + "/000001"), Value: []byte("wrong"), Headers: headers})
		var err error
		seen := r.Wait(within(t), func() bool {
			_, err = r.Bundle(within(t), sha)
			return err != nil && strings.Contains(err.Error(), "something else")
		})
		if seen != nil {
			t.Fatalf("it was read: %v", err)
		}
		putBundle(t, r, data)
		wantBundle(t, r, sha, data)
	})
}

func TestBundlesThatNobodyNamesGoAfterAWhile(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name := clusterName(t)
		r := open(t, b, registry.Config{Name: name})
		first, second := archive(1000), archive(2000)
		shas := []string{putBundle(t, r, first), putBundle(t, r, second)}
		change(t, r, deploy(shas[0]))
		change(t, r, deploy(shas[1]))
		wantBundle(t, r, shas[0], first) // it is young
		later := open(t, b, registry.Config{Name: name, Now: func() time.Time { return time.Now().Add(2 * time.Hour) }})
		change(t, later, func(before *controlv1.Deployment) (*controlv1.Deployment, error) {
			before.Stopped = true
			return before, nil
		})
		if _, err := later.Bundle(within(t), shas[0]); !errors.Is(err, registry.ErrNoBundle) {
			t.Errorf("after its time: %v", err)
		}
		wantBundle(t, later, shas[1], second)
	})
}

func TestABundleThatIsPutAgainHasItsWholeGrace(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name, data := clusterName(t), archive(1000)
		soon := func() time.Time { return time.Now().Add(40 * time.Minute) }
		r := open(t, b, registry.Config{Name: name, Now: soon})
		putBundle(t, r, data)
		putBundle(t, r, data) // which is old by the clock of the node, as brokers have another
		if bundles, _ := parts(t, b, name); bundles != 2 {
			t.Errorf("it was written %d times, want 2", bundles)
		}
	})
}

func TestAllIsThereAfterTheTopicWasCompacted(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		name, data := clusterName(t), archive(5<<20)
		b.CompactOften(t)
		b.CreateTopicWith(t, "_pyudf-"+name, 1, map[string]string{
			"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "200",
		})
		r := open(t, b, registry.Config{Name: name})
		change(t, r, addVersion)
		sha := putBundle(t, r, data)
		change(t, r, deploy(sha))
		const more = 5
		for range more {
			change(t, r, addVersion)
		}
		for deadline := time.Now().Add(wait); ; {
			if err := r.Announce(within(t), &controlv1.Node{Id: "n1"}); err != nil { // which ends segments
				t.Fatal(err)
			}
			bundles, heat := parts(t, b, name)
			if bundles == 6 && heat == 1 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the topic was not compacted: %d parts of the bundle and %d records of the deployment are there", bundles, heat)
			}
		}
		late := open(t, b, registry.Config{Name: name})
		if d := shows(t, late, more+2); d.GetVersions()[0].GetArchive() != sha {
			t.Errorf("the deployment is %v", d)
		}
		wantBundle(t, late, sha, data)
		wantBundle(t, r, sha, data)
		change(t, late, addVersion)
		shows(t, r, more+3)
		if len(late.Aside()) > 0 {
			t.Error(fmt.Sprint(late.Aside()))
		}
	})
}
