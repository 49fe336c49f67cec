package progress

import "time"

// window is the time that a rate is taken over: long enough not to jump, short enough to follow.
const window = 2 * time.Second

// meter turns counts at moments into states. The first sample is the start of the run.
type meter struct {
	start   time.Time
	samples []sample // of the last window, and the one before it
}

type sample struct {
	at time.Time
	in int64
}

func (m *meter) add(at time.Time, counts Counts) State {
	if len(m.samples) == 0 {
		m.start = at
	}
	m.samples = append(m.samples, sample{at: at, in: counts.In})
	for len(m.samples) > 2 && at.Sub(m.samples[1].at) >= window {
		m.samples = m.samples[1:]
	}
	oldest := m.samples[0]
	return State{
		Counts:  counts,
		Rate:    PerSecond(counts.In-oldest.in, at.Sub(oldest.at)),
		Elapsed: at.Sub(m.start),
	}
}
