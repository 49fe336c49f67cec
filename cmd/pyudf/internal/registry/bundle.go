package registry

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/pyudf/pyudf/engine/record"
)

// bundle is what is there of an archive: parts by their keys. Nodes with other limits cut otherwise, so parts may overlap.
type bundle map[string]part

// part is a record with bytes of an archive.
type part struct {
	offset, timeMS  int64
	at, bytes, size int64
}

func (p part) end() int64 { return p.at + p.bytes }

// cover returns parts that make up the archive, in their order in it; nil if it is not whole.
func (b bundle) cover() []part {
	var last part
	for _, p := range b {
		if p.offset >= last.offset {
			last = p
		}
	}
	parts := slices.SortedFunc(maps.Values(b), func(x, y part) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(y.bytes, x.bytes), cmp.Compare(x.offset, y.offset))
	})
	var cover []part
	var have int64
	for _, p := range parts {
		if p.size == last.size && p.at <= have && p.end() > have {
			cover, have = append(cover, p), p.end()
		}
	}
	if have != last.size {
		return nil
	}
	return cover
}

func (b bundle) whole() bool { return b.cover() != nil }

// youngest returns when the last part was written; ok is false if that is not known.
func (b bundle) youngest() (timeMS int64, ok bool) {
	for _, p := range b {
		if p.timeMS < 0 {
			return 0, false
		}
		timeMS = max(timeMS, p.timeMS)
	}
	return timeMS, len(b) > 0
}

// piece is a part of an archive to be written.
type piece struct {
	key  string
	at   int64
	size int64
	data []byte
}

func (p piece) headers() []record.Header {
	return []record.Header{
		{Key: atHeader, Value: strconv.AppendInt(nil, p.at, 10)},
		{Key: sizeHeader, Value: strconv.AppendInt(nil, p.size, 10)},
	}
}

// cut returns an archive in pieces of at most limit bytes.
func cut(sha string, archive []byte, limit int) []piece {
	var pieces []piece
	for from := 0; from < len(archive); from += limit {
		pieces = append(pieces, piece{
			key:  partKey(sha, len(pieces)+1),
			at:   int64(from),
			size: int64(len(archive)),
			data: archive[from:min(from+limit, len(archive))],
		})
	}
	return pieces
}

// missing returns the pieces that are to be written so that the bundle is whole.
func (b bundle) missing(pieces []piece) []piece {
	if b.whole() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(pieces), func(p piece) bool {
		there, ok := b[p.key]
		return ok && there.at == p.at && there.bytes == int64(len(p.data)) && there.size == p.size
	})
}
