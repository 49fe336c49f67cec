package snapshot

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"
)

// kept is how many snapshots of a store are always there.
const kept = 2

// objects are the files of a store that are kept. Each is written once and never again, as whoever found it without a name
// may be about to remove it.
type objects struct {
	all map[string]bool
	// lasting are those that nobody removes before the grace is half over, by what they are.
	lasting map[identity]string
}

// identity is what an object holds.
type identity struct {
	sha256 string
	size   int64
}

// objects finds the files of a store. The newest snapshots' last, and those that are young.
func (s *Snapshots) objects(ctx context.Context, dir string) (objects, error) {
	manifests, err := s.manifests(ctx, dir)
	if err != nil {
		return objects{}, err
	}
	named, err := s.named(ctx, manifests[:min(kept, len(manifests))])
	if err != nil {
		return objects{}, err
	}
	out, old := objects{all: map[string]bool{}, lasting: map[identity]string{}}, time.Now().Add(-s.config.Grace/2)
	err = s.each(ctx, dir+filesDir, func(object *blob.ListObject) {
		name := object.Key[len(dir+filesDir):]
		out.all[name] = true
		_, damaged := s.damaged.Load(object.Key)
		if (named[name] || object.ModTime.After(old)) && !damaged {
			sum, _, _ := strings.Cut(name, "-")
			out.lasting[identity{sum, object.Size}] = name
		}
	})
	return out, err
}

// fresh returns a name for an object.
func (o objects) fresh(sha256 string) string {
	if o.all[sha256] {
		return sha256 + "-" + rand.Text()
	}
	return sha256
}

// named returns the names of the objects that manifests need. A damaged manifest names none that are of use.
func (s *Snapshots) named(ctx context.Context, manifests []listed) (map[string]bool, error) {
	out := map[string]bool{}
	for _, from := range manifests {
		m, err := s.read(ctx, from)
		if err != nil && !errors.Is(err, errDamaged) {
			return nil, err
		}
		if err == nil {
			for _, f := range m.Files {
				out[f.Object] = true
			}
		}
	}
	return out, nil
}

// clear removes snapshots that were replaced longer than the grace ago, and the files that are older and that no other
// snapshot names. So a process that took a file for there has the grace to name it, and one that restores has it to read.
func (s *Snapshots) clear(ctx context.Context, dir string) error {
	manifests, err := s.manifests(ctx, dir)
	if err != nil {
		return err
	}
	old := time.Now().Add(-s.config.Grace)
	stays := slices.DeleteFunc(slices.Clone(manifests), replacedBefore(old, manifests))
	named, err := s.named(ctx, stays)
	if err != nil {
		return err
	}
	for _, m := range stays {
		named[m.key] = true
	}
	var gone []string
	for _, below := range []string{manifestsDir, filesDir} {
		err := s.each(ctx, dir+below, func(object *blob.ListObject) {
			if !named[object.Key] && !named[object.Key[len(dir+below):]] && object.ModTime.Before(old) {
				gone = append(gone, object.Key)
			}
		})
		if err != nil {
			return err
		}
	}
	return s.remove(ctx, gone)
}

// replacedBefore returns whether so many newer manifests than are kept were there before a time.
func replacedBefore(old time.Time, manifests []listed) func(listed) bool {
	return func(m listed) bool {
		newer := 0
		for _, other := range manifests {
			if newestFirst(other, m) < 0 && other.written.Before(old) {
				newer++
			}
		}
		return newer >= kept
	}
}

// remove deletes objects in their order: manifests stand before the files that they name.
func (s *Snapshots) remove(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := s.bucket.Delete(ctx, key); err != nil && !isNotFound(err) {
			return s.failed(err, "remove "+key)
		}
	}
	return nil
}

// Forget removes all snapshots of all stores below Config.Below. REQUIRES: nobody takes any.
func (s *Snapshots) Forget(ctx context.Context) error {
	if s.config.Below == "" {
		return errors.New("remove snapshots: they do not lie below anything that would be theirs alone")
	}
	var manifests, files []string
	err := s.each(ctx, s.config.Below+"/", func(object *blob.ListObject) {
		if strings.Contains(object.Key, "/"+manifestsDir) {
			manifests = append(manifests, object.Key)
		} else {
			files = append(files, object.Key)
		}
	})
	if err != nil {
		return err
	}
	return s.remove(ctx, append(manifests, files...))
}
