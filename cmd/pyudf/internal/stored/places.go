package stored

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Clusters returns the clusters of which a state directory has the state of a group, by the names of their directories.
func Clusters(home, group string) ([]string, error) {
	entries, err := os.ReadDir(home)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look into the state directory %s: %w", home, err)
	}
	var clusters []string
	for _, entry := range entries {
		if info, err := os.Stat(filepath.Join(home, entry.Name(), group)); err == nil && info.IsDir() {
			clusters = append(clusters, entry.Name())
		}
	}
	return clusters, nil
}

// Groups returns the groups that have run with a state directory, of all clusters, by the names of their directories.
func Groups(home string) ([]string, error) {
	found, err := fs.Glob(os.DirFS(home), "*/*")
	if err != nil {
		return nil, fmt.Errorf("look for groups in %s: %w", home, err)
	}
	var groups []string
	for _, dir := range found {
		// Whatever lies beside the state of a group has its name, a comma and what it is.
		name, _, _ := strings.Cut(path.Base(dir), ",")
		groups = append(groups, name)
	}
	slices.Sort(groups)
	return slices.Compact(groups), nil
}

// Names returns the stores of tasks below a directory, in the order of their sources, then of partitions.
func Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for stores in %s: %w", dir, err)
	}
	var names []string
	for _, entry := range entries {
		if _, store := parse(entry.Name()); store && entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	slices.SortFunc(names, compareNames)
	return names, nil
}

// parsed is the name of a task's store: what the source is, its name and the partition.
type parsed struct {
	source    string
	partition int
}

func parse(name string) (p parsed, ok bool) {
	parts := regexp.MustCompile(`^((?:topic|stage|file)-.+)-([0-9]+)$`).FindStringSubmatch(name)
	if parts == nil {
		return p, false
	}
	partition, err := strconv.Atoi(parts[2])
	return parsed{parts[1], partition}, err == nil
}

func compareNames(a, b string) int {
	p, _ := parse(a)
	q, _ := parse(b)
	return cmp.Or(cmp.Compare(p.source, q.source), cmp.Compare(p.partition, q.partition))
}
