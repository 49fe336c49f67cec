package integration_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

//nolint:gochecknoglobals // the flags of the test binary
var (
	seedFlag  = flag.Uint64("seed", 0, "the `SEED` of the random crashes; 0: another one in each run")
	killsFlag = flag.Int("kills", 6, "after how many random crashes a test is content")
	soakFlag  = flag.Duration("soak", 0, "how long the soak lasts; 0: it is left out")
)

// thorough tells that there is time for more than one case of each kind, as in make crash.
func thorough() bool { return *killsFlag >= 50 }

var metricsServed = regexp.MustCompile(`metrics are served`)

// seeded returns the seed of this run and says how to use it again.
func seeded(t *testing.T) uint64 {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64N(1_000_000) + 1 //nolint:gosec // test data
	}
	name, _, _ := strings.Cut(t.Name(), "/")
	t.Logf("%s once more: go test ./integration -run '^%s$' -kills %d -seed %d", t.Name(), name, *killsFlag, seed)
	return seed
}

// TestTheCrashAppWithoutCrashes holds the model of it against what it does.
func TestTheCrashAppWithoutCrashes(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, kafkatest.Kafka(t), seeded(t), t.TempDir())
	p.load.send(t, 20_000)
	p.again(t).equals(t, "without crashes", due(p.load.sent))
}

// crash ends a node in one of many ways and starts it again.
func (n *node) crash(t *testing.T, rng *rand.Rand) {
	t.Helper()
	switch way := rng.IntN(10); {
	case way == 0: // in good order
		n.interrupt(t)
		n.load.until(t, "the end of a node", func() bool { return !n.program.running() })
		n.program.succeed(t)
	case way == 1: // and away for longer than a session, so that the others take over
		n.program.kill()
		n.load.lasting(t, 7*time.Second)
	case way == 2 && n.aloneInDir(): // and back on an empty disk
		n.program.kill()
		if err := os.RemoveAll(n.dir); err != nil {
			t.Fatal(err)
		}
	default:
		n.program.kill()
	}
	n.start(t, nil)
}

func (n *node) aloneInDir() bool {
	for _, other := range n.nodes {
		if other != n && other.dir == n.dir {
			return false
		}
	}
	return true
}

// crashAtRandom crashes nodes under load. Some die while they start, most while they work.
func crashAtRandom(t *testing.T, dirs ...string) {
	t.Helper()
	seed := seeded(t)
	rng := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // test data
	p := newPipeline(t, kafkatest.Kafka(t), seed, dirs...)
	p.start(t)
	p.nodes[0].awaitWork(t)
	worked := 0
	for range *killsFlag {
		n := p.nodes[rng.IntN(len(p.nodes))]
		if rng.IntN(4) > 0 {
			n.awaitWork(t)
		}
		p.load.lasting(t, time.Duration(rng.IntN(1500))*time.Millisecond)
		if n.works(t) {
			worked++
		}
		n.crash(t, rng)
	}
	p.finish(t)
	t.Logf("%d of %d crashes hit a node that had written results", worked, *killsFlag)
	p.again(t).equals(t, "without crashes", outcomeOf(t, p.stream))
}

func TestE4RandomCrashesOfNodesThatShareADisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	crashAtRandom(t, dir, dir)
}

func TestE4RandomCrashesOfNodesWithDisksOfTheirOwn(t *testing.T) {
	t.Parallel()
	crashAtRandom(t, t.TempDir(), t.TempDir())
}
