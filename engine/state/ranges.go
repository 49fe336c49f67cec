package state

import (
	"bytes"
	"slices"
	"sort"
)

// ranges is a set of keys, as ranges in order that neither overlap nor touch.
type ranges struct {
	all []span
}

// span is the keys from the first up to, without, the last; a nil to is the end of all keys.
type span struct {
	from, to []byte
}

// add adds the keys from..to, which are copied. REQUIRES: from < to, or to is nil.
func (r *ranges) add(from, to []byte) {
	added := span{bytes.Clone(from), bytes.Clone(to)}
	first := sort.Search(len(r.all), func(i int) bool { return r.all[i].reaches(added.from) })
	last := first
	for ; last < len(r.all) && added.reaches(r.all[last].from); last++ {
		if bytes.Compare(r.all[last].from, added.from) < 0 {
			added.from = r.all[last].from
		}
		if added.to != nil && r.all[last].reaches(added.to) {
			added.to = r.all[last].to
		}
	}
	r.all = slices.Replace(r.all, first, last, added)
}

// reaches tells whether the range ends at a key or behind it.
func (s span) reaches(key []byte) bool { return s.to == nil || bytes.Compare(s.to, key) >= 0 }

func (r *ranges) has(key []byte) bool {
	if len(r.all) == 0 {
		return false
	}
	i := sort.Search(len(r.all), func(i int) bool { return r.all[i].to == nil || bytes.Compare(r.all[i].to, key) > 0 })
	return i < len(r.all) && bytes.Compare(r.all[i].from, key) <= 0
}

func (r *ranges) each(visit func(from, to []byte)) {
	for _, s := range r.all {
		visit(s.from, s.to)
	}
}

func (r *ranges) len() int { return len(r.all) }
