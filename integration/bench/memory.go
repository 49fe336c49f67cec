package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory is the most that the processes of a contender held at any time, in MB: the one that was started, and the
// largest of those that it started.
type memory struct {
	engine, worker int
}

func memoryOf(pid int) memory {
	m := memory{engine: peak(pid)}
	for _, child := range descendants(pid) {
		m.worker = max(m.worker, peak(child))
	}
	return m
}

func (m memory) String() string {
	if m.worker == 0 {
		return strconv.Itoa(m.engine)
	}
	return fmt.Sprintf("%d + %d", m.engine, m.worker)
}

// peak is the most that a process ever held.
func peak(pid int) int { return statusOf(pid, "VmHWM:") }

// statusOf is a size that the kernel tells of a process, in MB; 0 if it is gone.
func statusOf(pid int, name string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kb, found := strings.CutPrefix(line, name); found {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(kb), " kB"))
			return n / 1024
		}
	}
	return 0
}

func descendants(pid int) []int {
	var found []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread that has ended has no children
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(append(found, child), descendants(child)...)
			}
		}
	}
	return found
}
