package main

import (
	"context"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/plan"
)

// beginInternals creates the engine's own topics that an app needs and that are not there yet: those between stages, and
// changelogs. A run that begins then does not have to wait until brokers know them.
func (p *ports) beginInternals(ctx context.Context, compiled *plan.Plan) {
	if p.cluster == nil || p.onlyFiles {
		return
	}
	for _, from := range compiled.Sources {
		var hop *openingTopic
		through := p.hopTopic(from.Name)
		switch {
		case from.Hop != nil && p.config.singleNode:
			continue // what is kept behind it says how many partitions there are
		case from.Hop != nil:
			hop = p.begin(through, func() error { return p.ensureHop(ctx, from.Name) })
		case from.Proto.GetTopic() == nil || !from.Stateful():
			continue
		default:
			through = from.Name
		}
		changelog := p.changelog(from)
		p.begin(changelog, func() error {
			if hop != nil {
				if <-hop.done; hop.err != nil {
					return hop.err
				}
			}
			info, err := p.cluster.Topic(ctx, through)
			if err != nil {
				return err
			}
			return p.ensureChangelog(ctx, changelog, info.Partitions)
		})
	}
}

// begin opens a topic while something else goes on.
func (p *ports) begin(name string, open func() error) *openingTopic {
	o := &openingTopic{done: make(chan struct{})}
	p.opening[name] = o
	go func() {
		defer close(o.done)
		o.err = outcome.Mendable(open())
	}()
	return o
}

// begun returns when a topic of the engine's own is there.
func (p *ports) begun(name string, open func() error) error {
	if o := p.opening[name]; o != nil {
		<-o.done
		return o.err
	}
	return open()
}

func (p *ports) ensureHop(ctx context.Context, stage string) error {
	return ensureTopic(ctx, p.cluster, kafka.TopicSpec{Name: p.hopTopic(stage), Partitions: p.partitions, RetentionMS: hopRetention})
}

// changelogRetention is how long changelogs are kept where snapshots are taken: longer than any engine should be away.
const changelogRetention = 7 * 24 * 60 * 60 * 1000

func (p *ports) ensureChangelog(ctx context.Context, topic string, partitions int) error {
	retention := int64(withoutLimit)
	if p.config.snapshots {
		retention = changelogRetention
	}
	return ensureTopic(ctx, p.cluster, kafka.TopicSpec{Name: topic, Partitions: partitions, RetentionMS: retention})
}

// changelog returns the name of a source's changelog.
func (p *ports) changelog(from *plan.Source) string {
	return p.config.stateName + "." + from.Slug() + ".changelog"
}
