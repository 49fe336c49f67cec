package main

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/outcome"
	"github.com/pyudf/pyudf/engine"
	"github.com/pyudf/pyudf/engine/exchange/local"
	"github.com/pyudf/pyudf/engine/kafka"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/source"
)

// hopInProcess opens a hop that leads through memory in place of a topic, with the partitions that the topic has or would
// have: so the state of the stage behind it is where a run with the topic looks for it. It keeps those that its state has,
// should the input have got more.
func (p *ports) hopInProcess(ctx context.Context, to engine.HopTo) (engine.Hop, error) {
	topic := p.hopTopic(to.Stage)
	reach, err := p.cluster.Reach(ctx, p.hopGroup(to.Stage), topic)
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return localHop(to.Stage, cmp.Or(to.Partitions, p.partitions)), nil
	}
	if err != nil {
		return engine.Hop{}, err
	}
	waits, err := p.waiting(ctx, topic, reach, to.Resume)
	if err != nil {
		return engine.Hop{}, err
	}
	if waits {
		return engine.Hop{}, outcome.Mendf("records wait in %s: run once without --single-node, with --until-end, until they are done", topic)
	}
	return localHop(to.Stage, cmp.Or(to.Partitions, len(reach))), nil
}

// waiting tells whether a topic has records beyond the positions that the stage behind it has read up to.
func (p *ports) waiting(ctx context.Context, topic string, reach []kafka.Reach, resume source.Resume) (bool, error) {
	for i, at := range reach {
		partition := record.Partition{Topic: topic, Index: int32(i)} //nolint:gosec // few partitions
		position, err := resume(partition, at.Committed)
		if err != nil {
			return false, err
		}
		if position = max(position, at.Low); position >= at.End {
			continue
		}
		// What is left may be the mark of a transaction.
		_, err = p.cluster.Read(ctx, partition, position, func(int64, []byte) error { return errWaits })
		if errors.Is(err, errWaits) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

var errWaits = errors.New("a record waits")

// localHop is a hop through memory.
func localHop(stage string, partitions int) engine.Hop {
	hop := local.New(stage, partitions)
	return engine.Hop{Source: hop.Source(), Sink: hop.Sink(), Partitions: partitions, Queue: hop}
}

// alone tells whether this process has to be the only one that reads topics.
func (p *ports) alone() bool { return p.config.singleNode && p.cluster != nil && !p.onlyFiles }

// beAlone returns when no other process is in the group. One that died is in it until its session times out; one that is in
// it longer lives, and is not disturbed.
func (p *ports) beAlone(ctx context.Context) error {
	patience := sessionTimeout(p.config.settings) + 10*time.Second
	again := time.NewTicker(250 * time.Millisecond)
	defer again.Stop()
	others, err := p.cluster.Members(ctx, p.config.group, p.node+".")
	if others > 0 {
		p.config.logger.Info("waiting for another process to leave the group; one that died is in it until its session times out",
			"group", p.config.group, "others", others, "at_most", patience)
	}
	for began := time.Now(); err == nil && others > 0; {
		if time.Since(began) > patience {
			return outcome.Mendf("--single-node is for one process that reads all partitions, but the group %s has other processes (%d): "+
				"stop them, run without --single-node, or name another --group", p.config.group, others)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		others, err = p.cluster.Members(ctx, p.config.group, p.node+".")
	}
	return err
}

// warnOfOthers says at the end of a bounded run that it did not read everything, if that is so.
func (p *ports) warnOfOthers(ctx context.Context) {
	if p.cluster == nil || p.onlyFiles {
		return
	}
	if others, err := p.cluster.Members(ctx, p.config.group, p.node+"."); err == nil && others > 0 {
		p.config.logger.Warn("other processes of the group have partitions that this run did not read; one that died has them until its session times out",
			"group", p.config.group, "others", others, "session_timeout", sessionTimeout(p.config.settings))
	}
}

// sessionTimeout returns after what time a group misses a member.
func sessionTimeout(settings map[string]string) time.Duration {
	const usual = 45_000
	ms, err := strconv.Atoi(settings["session.timeout.ms"])
	if err != nil {
		ms = usual
	}
	return time.Duration(ms) * time.Millisecond
}
