package window

import "container/heap"

// queue tells what may be due at a watermark. Each thing has an entry that may be too early, but not too late.
type queue []entry

// entry is a cell, with how often it was used, or a window's start.
type entry struct {
	due  int64
	id   int64
	used uint32
}

func (q *queue) Len() int           { return len(*q) }
func (q *queue) Less(i, j int) bool { return (*q)[i].due < (*q)[j].due }
func (q *queue) Swap(i, j int)      { (*q)[i], (*q)[j] = (*q)[j], (*q)[i] }
func (q *queue) Push(x any)         { *q = append(*q, x.(entry)) } //nolint:forcetypeassert,errcheck // by heap alone, with what push gave it
func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

func (q *queue) push(e entry) { heap.Push(q, e) }

// due returns when the first entry is due.
func (q *queue) due() int64 {
	if len(*q) == 0 {
		return MaxTime
	}
	return (*q)[0].due
}

func (q *queue) pop() entry { return heap.Pop(q).(entry) } //nolint:forcetypeassert,errcheck // nothing else is in it

// ripe takes out the entries that are due.
func (q *queue) ripe(watermark int64) []entry {
	var out []entry
	for len(*q) > 0 && q.due() <= watermark {
		out = append(out, q.pop())
	}
	return out
}
