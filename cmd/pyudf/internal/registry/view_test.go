package registry

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/record"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

const (
	spoken = 2
	shaA   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	shaB   = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// log makes entries with offsets that grow.
type log []entry

func (l *log) add(e entry) {
	e.offset = int64(len(*l)) * 2
	*l = append(*l, e)
}

func (l *log) put(t *testing.T, key string, m proto.Message) {
	t.Helper()
	value, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	l.add(entry{key: key, value: value})
}

func (l *log) end(key string) { l.add(entry{key: key, gone: true}) }

// pieces writes an archive of so many bytes as parts.
func (l *log) pieces(sha string, bytes, limit int, timeMS int64) {
	for _, p := range cut(sha, make([]byte, bytes), limit) {
		l.add(entry{key: p.key, value: p.data, headers: p.headers(), timeMS: timeMS})
	}
}

func (l *log) view() *view {
	v := newView(spoken)
	for _, e := range *l {
		v.apply(e)
	}
	return v
}

func naming(name string, archives ...string) *controlv1.Deployment {
	d := &controlv1.Deployment{Name: name, Revision: 1, Protocol: spoken}
	for i, sha := range archives {
		d.Versions = append(d.Versions, &controlv1.Version{Number: uint32(i + 1), Archive: sha})
	}
	return d
}

func TestTheLastRecordOfADeploymentCounts(t *testing.T) {
	var l log
	l.put(t, "deployment/heat", naming("heat"))
	l.put(t, "deployment/heat", naming("heat", shaA))
	l.put(t, "deployment/gone", naming("gone"))
	l.end("deployment/gone")
	l.put(t, "node/n1", &controlv1.Node{Id: "n1", SeenMs: 1})
	l.put(t, "node/n1", &controlv1.Node{Id: "n1", SeenMs: 2})
	l.put(t, "node/n2", &controlv1.Node{Id: "n2"})
	l.end("node/n2")
	v := l.view()
	if len(v.deployments) != 1 || !proto.Equal(v.deployments["heat"], naming("heat", shaA)) {
		t.Errorf("deployments: %v", v.deployments)
	}
	if len(v.nodes) != 1 || v.nodes["n1"].GetSeenMs() != 2 {
		t.Errorf("nodes: %v", v.nodes)
	}
}

func TestWhatANodeCannotReadIsKeptAsideAndSaysWhatToDo(t *testing.T) {
	newer := naming("heat", shaA)
	newer.Protocol = spoken + 1
	for name, c := range map[string]struct {
		write  func(l *log)
		reason string
	}{
		"a protocol to come": {func(l *log) { l.put(t, "deployment/heat", newer) }, `deployment "heat" needs protocol 3, this node speaks 2: update pyudf on this node`},
		"no message":         {func(l *log) { l.add(entry{key: "deployment/heat", value: []byte{0xff}}) }, `deployment "heat" cannot be read: the record at offset 2: `},
		"another's name":     {func(l *log) { l.put(t, "deployment/heat", naming("cold")) }, `it says that it is "cold"; update pyudf on this node`},
		"no text":            {func(l *log) { l.put(t, "deployment/heat", &controlv1.Deployment{}) }, `it says that it is ""`},
	} {
		t.Run(name, func(t *testing.T) {
			var l log
			l.put(t, "deployment/heat", naming("heat"))
			c.write(&l)
			l.pieces(shaA, 10, 4, 0)
			v := l.view()
			asides := v.asides()
			if len(asides) != 1 || asides[0].Deployment != "heat" || !strings.Contains(asides[0].Reason, c.reason) {
				t.Errorf("aside: %+v", asides)
			}
			if v.deployments["heat"] != nil || v.keptAside("heat") == nil {
				t.Error("the record before it counts")
			}
			if keys := v.garbage(time.UnixMilli(1).Add(time.Hour), time.Minute); len(keys) > 0 {
				t.Errorf("what it may need is garbage: %q", keys)
			}
			l.put(t, "deployment/heat", naming("heat"))
			if v := l.view(); len(v.aside) > 0 || v.deployments["heat"] == nil {
				t.Errorf("a record behind it that can be read does not count: %+v", v.aside)
			}
		})
	}
}

func TestFieldsOfAVersionToComeOutliveAChange(t *testing.T) {
	value, err := proto.Marshal(naming("heat"))
	if err != nil {
		t.Fatal(err)
	}
	value = append(value, 0xfa, 0x07, 1, 'x') // field 127, which nobody knows
	var l log
	l.add(entry{key: "deployment/heat", value: value})
	again, err := proto.Marshal(proto.CloneOf(l.view().deployments["heat"]))
	if err != nil || !strings.HasSuffix(string(again), "\xfa\x07\x01x") {
		t.Errorf("written again it is %q, %v", again, err)
	}
}

func TestABundleIsWholeWhenItsPartsCoverIt(t *testing.T) {
	for name, c := range map[string]struct {
		write func(l *log)
		parts int // 0: it is not whole
	}{
		"nothing":            {func(*log) {}, 0},
		"one part":           {func(l *log) { l.pieces(shaA, 10, 10, 0) }, 1},
		"all parts":          {func(l *log) { l.pieces(shaA, 10, 4, 0) }, 3},
		"one was superseded": {func(l *log) { l.pieces(shaA, 10, 4, 0); l.pieces(shaA, 10, 4, 0) }, 3},
		"one is gone":        {func(l *log) { l.pieces(shaA, 10, 4, 0); l.end(partKey(shaA, 2)) }, 0},
		"another's":          {func(l *log) { l.pieces(shaB, 10, 4, 0) }, 0},
		"cut smaller":        {func(l *log) { l.pieces(shaA, 10, 4, 0); l.pieces(shaA, 10, 3, 0) }, 4},
		"cut larger":         {func(l *log) { l.pieces(shaA, 10, 3, 0); l.pieces(shaA, 10, 6, 0) }, 2},
		"half cut smaller":   {func(l *log) { l.pieces(shaA, 10, 4, 0); l.pieces(shaA, 10, 3, 0); *l = (*l)[:4] }, 0},
		"a size that lies": {func(l *log) {
			l.add(entry{key: partKey(shaA, 9), value: []byte("x"), headers: piece{size: 1 << 40}.headers()})
			l.pieces(shaA, 10, 4, 0)
		}, 3},
		"parts without headers": {func(l *log) { l.add(entry{key: partKey(shaA, 1), value: []byte("x")}) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var l log
			c.write(&l)
			v := l.view()
			cover := v.bundles[shaA].cover()
			if len(cover) != c.parts {
				t.Errorf("%d parts cover it, want %d: %+v", len(cover), c.parts, v.bundles[shaA])
			}
			l.pieces(shaA, 10, 5, 0)
			if missing := v.bundles[shaA].missing(cut(shaA, make([]byte, 10), 5)); (len(missing) == 0) != (c.parts > 0) || !l.view().bundles[shaA].whole() {
				t.Errorf("%d pieces are missing", len(missing))
			}
		})
	}
}

func TestOnlyThePartsThatAreMissingAreWritten(t *testing.T) {
	var l log
	l.pieces(shaA, 10, 4, 0)
	l.end(partKey(shaA, 2))
	missing := l.view().bundles[shaA].missing(cut(shaA, make([]byte, 10), 4))
	if len(missing) != 1 || missing[0].key != partKey(shaA, 2) || missing[0].at != 4 {
		t.Errorf("missing: %+v", missing)
	}
}

func TestOnlyWhatNobodyNeedsIsGarbage(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	old, young := now.Add(-2*time.Hour).UnixMilli(), now.Add(-time.Minute).UnixMilli()
	for name, c := range map[string]struct {
		write func(l *log)
		want  []string
	}{
		"a bundle that is named":    {func(l *log) { l.pieces(shaA, 2, 1, old); l.put(t, "deployment/d", naming("d", shaB, shaA)) }, nil},
		"one that is not":           {func(l *log) { l.pieces(shaA, 2, 1, old) }, []string{partKey(shaA, 1), partKey(shaA, 2)}},
		"one that is on its way":    {func(l *log) { l.pieces(shaA, 2, 1, young) }, nil},
		"one that is written again": {func(l *log) { l.pieces(shaA, 2, 2, old); l.pieces(shaA, 2, 1, young) }, nil},
		"one of unknown age":        {func(l *log) { l.pieces(shaA, 2, 1, -1) }, nil},
		"one of a deleted one": {func(l *log) {
			l.pieces(shaA, 1, 1, old)
			l.put(t, "deployment/d", naming("d", shaA))
			l.end("deployment/d")
		}, []string{partKey(shaA, 1)}},
		"a node that went yesterday": {func(l *log) {
			l.put(t, "node/n", &controlv1.Node{Id: "n", SeenMs: now.Add(-25 * time.Hour).UnixMilli()})
		}, []string{"node/n"}},
		"a node that is away": {func(l *log) { l.put(t, "node/n", &controlv1.Node{Id: "n", SeenMs: old}) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var l log
			c.write(&l)
			if got := l.view().garbage(now, time.Hour); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestABundleThatIsNotWholeCannotBeNamedAnew(t *testing.T) {
	var l log
	l.pieces(shaA, 10, 4, 0)
	v := l.view()
	for name, c := range map[string]struct {
		before, after *controlv1.Deployment
		want          string
	}{
		"new and whole":           {nil, naming("d", shaA), ""},
		"new and not there":       {nil, naming("d", shaA, shaB), shaB},
		"named before":            {naming("d", shaB), naming("d", shaB, shaA), ""},
		"deleted":                 {naming("d", shaB), nil, ""},
		"a worker of its own":     {nil, naming("d", ""), ""},
		"another is not there":    {naming("d", shaA), naming("d", shaB), shaB},
		"nothing there, no names": {nil, naming("d"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := v.incomplete(c.before, c.after); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestANodeIsAliveForAWhileAfterItWasSeen(t *testing.T) {
	seen := time.UnixMilli(1_700_000_000_000)
	node := &controlv1.Node{SeenMs: seen.UnixMilli()}
	for after, want := range map[time.Duration]bool{0: true, AnnounceEvery: true, aliveFor - 1: true, aliveFor: false, time.Hour: false, -time.Second: true} {
		if got := Alive(node, seen.Add(after)); got != want {
			t.Errorf("after %s: %v", after, got)
		}
	}
}

func TestNamesThatATopicCannotHaveAreRefused(t *testing.T) {
	for name, want := range map[string]bool{
		"prod": true, "prod-1.eu_west": true, "": false, "a b": false, "a/b": false, "ä": false, "a\nb": false,
		strings.Repeat("n", 242): true, strings.Repeat("n", 243): false,
	} {
		topic, err := Topic(name)
		if (err == nil) != want || want && topic != "_pyudf-"+name {
			t.Errorf("%q: %q, %v", name, topic, err)
		}
	}
}

// FuzzAnyRecord has a node read whatever somebody may have written into the topic.
func FuzzAnyRecord(f *testing.F) {
	whole, err := proto.Marshal(naming("heat", shaA))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("deployment/heat", whole, "", "")
	f.Add("deployment/heat", []byte{0xff}, "", "")
	f.Add("node/n1", []byte("x"), "", "")
	f.Add(partKey(shaA, 1), []byte("x"), "0", "1")
	f.Add(partKey(shaA, 2), []byte("xy"), "9223372036854775807", "9223372036854775807")
	f.Add("bundle/"+shaA+"/", []byte("xy"), "-1", "-1")
	f.Add("", []byte(nil), "", "")
	f.Fuzz(func(t *testing.T, key string, value []byte, at, size string) {
		v := newView(spoken)
		var l log
		l.put(t, "deployment/kept", naming("kept", shaB))
		l.pieces(shaB, 3, 2, 0)
		headers := []record.Header{{Key: atHeader, Value: []byte(at)}, {Key: sizeHeader, Value: []byte(size)}}
		l.add(entry{key: key, value: value, headers: headers})
		for _, e := range l {
			v.apply(e)
		}
		for _, b := range v.bundles {
			b.missing(cut(shaA, value, 1))
		}
		for _, a := range v.asides() {
			if v.deployments[a.Deployment] != nil || a.Key != key || a.Reason == "" {
				t.Errorf("aside: %+v", a)
			}
		}
		others := key != "deployment/kept" && !strings.HasPrefix(key, "bundle/"+shaB)
		checkGarbage(t, v, others)
		l.end(key)
		v.apply(l[len(l)-1])
		if others && (len(v.aside) > 0 || len(v.deployments) != 1 || len(v.nodes) > 0 || len(v.bundles) != 1) {
			t.Errorf("after its end there is still %+v", v)
		}
	})
}

// checkGarbage checks that nothing is garbage that must stay: the bundle shaB, if it is named.
func checkGarbage(t *testing.T, v *view, named bool) {
	t.Helper()
	for _, gone := range v.garbage(time.UnixMilli(0).Add(1000*time.Hour), 0) {
		if strings.HasPrefix(gone, deploymentPrefix) || named && strings.Contains(gone, shaB) {
			t.Errorf("%q is garbage", gone)
		}
	}
}
