package main

import (
	"maps"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/bundles"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/environments"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

func TestANodeForgetsTheEnvironmentsOfVersionsThatAreGone(t *testing.T) {
	n := &clusterNode{hashes: map[string]string{}}
	var err error
	if n.cache, err = bundles.Open(bundles.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	if n.environments, err = environments.New(environments.Config{Dir: t.TempDir(), Python: "sh"}); err != nil {
		t.Fatal(err)
	}
	n.use("first", "aaaa")
	n.use("second", "bbbb")
	n.tidy([]*controlv1.Version{{Archive: "second"}})
	if want := map[string]string{"second": "bbbb"}; !maps.Equal(n.hashes, want) {
		t.Errorf("it remembers %v, want %v", n.hashes, want)
	}
}

func TestSecretsThatCannotBeHadAreNamedInTheSameOrderEachTime(t *testing.T) {
	references := map[string]string{"A": "nowhere", "B": "nowhere", "C": "nowhere", "D": "nowhere"}
	_, first := withSecrets(nil, references)
	for range 20 {
		if _, err := withSecrets(nil, references); err == nil || err.Error() != first.Error() {
			t.Fatalf("got\n%v\nafter\n%v", err, first)
		}
	}
}
