package registry

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/engine/record"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// entry is a record of the topic. Its bytes are valid during a call only.
type entry struct {
	offset int64
	timeMS int64 // -1: it has none
	key    string
	// gone tells that the key has no value any more.
	gone    bool
	value   []byte
	headers []record.Header
}

func (e *entry) header(name string) string {
	for _, h := range e.headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// entryOf returns a record of a batch.
func entryOf(batch *record.Batch, i int) entry {
	e := entry{
		offset: batch.Offsets[i],
		timeMS: batch.Times[i],
		key:    string(batch.Keys.At(i)),
		gone:   batch.Values.IsNull(i),
		value:  batch.Values.At(i),
	}
	if batch.Headers != nil {
		e.headers = batch.Headers[i]
	}
	return e
}

// Aside is a record that this node cannot use. It stays in the topic as it is.
type Aside struct {
	// Key is the record's; Deployment is the name in it, empty if it is of something else.
	Key        string
	Deployment string
	// Protocol is what nodes need to speak for it; 0: it cannot be read at all.
	Protocol uint32
	// Reason is a sentence that says what to do.
	Reason string
}

// view is what the records up to a point say. What it holds is never changed, only replaced.
type view struct {
	// protocol is what this node speaks.
	protocol    uint32
	deployments map[string]*controlv1.Deployment
	nodes       map[string]*controlv1.Node
	bundles     map[string]bundle
	aside       map[string]Aside // by their keys
	// ended are the revisions of deployments before they were deleted: those that follow go on from there, so that what nodes
	// say of the one is not taken for the other.
	ended map[string]uint64
}

func newView(protocol uint32) *view {
	return &view{
		protocol:    protocol,
		deployments: map[string]*controlv1.Deployment{},
		nodes:       map[string]*controlv1.Node{},
		bundles:     map[string]bundle{},
		aside:       map[string]Aside{},
		ended:       map[string]uint64{},
	}
}

// apply takes the next record. It tells whether it is one of a deployment.
func (v *view) apply(e entry) bool {
	delete(v.aside, e.key)
	if name, ok := strings.CutPrefix(e.key, deploymentPrefix); ok {
		v.applyDeployment(name, e)
		return true
	}
	if id, ok := strings.CutPrefix(e.key, nodePrefix); ok {
		v.applyNode(id, e)
	} else if sha, ok := bundleOf(e.key); ok {
		v.applyPart(sha, e)
	} // else it is something of a version to come
	return false
}

func (v *view) applyDeployment(name string, e entry) {
	was := v.deployments[name]
	delete(v.deployments, name)
	if e.gone {
		v.ended[name] = max(v.ended[name], was.GetRevision())
		return
	}
	d := new(controlv1.Deployment)
	err := proto.Unmarshal(e.value, d)
	if err == nil && d.GetName() != name {
		err = fmt.Errorf("it says that it is %q", d.GetName())
	}
	switch {
	case err != nil:
		reason := fmt.Sprintf("deployment %q cannot be read: the record at offset %d: %s; update pyudf on this node, or deploy it from a node that can read it", name, e.offset, err)
		v.aside[e.key] = Aside{Key: e.key, Deployment: name, Reason: reason}
	case d.GetProtocol() > v.protocol:
		reason := fmt.Sprintf("deployment %q needs protocol %d, this node speaks %d: update pyudf on this node", name, d.GetProtocol(), v.protocol)
		v.aside[e.key] = Aside{Key: e.key, Deployment: name, Protocol: d.GetProtocol(), Reason: reason}
	default:
		v.deployments[name] = d
	}
}

func (v *view) applyNode(id string, e entry) {
	delete(v.nodes, id)
	if e.gone {
		return
	}
	n := new(controlv1.Node)
	err := proto.Unmarshal(e.value, n)
	if err == nil && n.GetId() != id {
		err = fmt.Errorf("it says that it is %q", n.GetId())
	}
	if err != nil {
		v.aside[e.key] = Aside{Key: e.key, Reason: fmt.Sprintf("what node %q says of itself cannot be read: the record at offset %d: %s; update pyudf on this node", id, e.offset, err)}
		return
	}
	v.nodes[id] = n
}

func (v *view) applyPart(sha string, e entry) {
	parts := maps.Clone(v.bundles[sha])
	delete(parts, e.key)
	if !e.gone {
		p, err := partOf(e)
		if err == nil {
			if parts == nil {
				parts = bundle{}
			}
			parts[e.key] = p
		} else {
			v.aside[e.key] = Aside{Key: e.key, Reason: fmt.Sprintf("a part of bundle %s cannot be read: the record at offset %d: %s; deploy it again", sha, e.offset, err)}
		}
	}
	if len(parts) == 0 {
		delete(v.bundles, sha)
		return
	}
	v.bundles[sha] = parts
}

func partOf(e entry) (part, error) {
	at, err := strconv.ParseInt(e.header(atHeader), 10, 64)
	if err != nil {
		return part{}, errors.New("it does not say where in the archive it belongs")
	}
	size, err := strconv.ParseInt(e.header(sizeHeader), 10, 64)
	if err != nil {
		return part{}, errors.New("it does not say how large the archive is")
	}
	p := part{offset: e.offset, timeMS: e.timeMS, at: at, bytes: int64(len(e.value)), size: size}
	if p.bytes == 0 || at < 0 || at > size-p.bytes {
		return part{}, fmt.Errorf("%d bytes at %d are not in an archive of %d", p.bytes, at, size)
	}
	return p, nil
}

// asides returns what was kept aside, by keys.
func (v *view) asides() []Aside {
	return slices.SortedFunc(maps.Values(v.aside), func(a, b Aside) int { return cmp.Compare(a.Key, b.Key) })
}

// keptAside returns why a deployment cannot be used, nil if it can.
func (v *view) keptAside(name string) error {
	if a, ok := v.aside[deploymentPrefix+name]; ok {
		return errors.New(a.Reason)
	}
	return nil
}
