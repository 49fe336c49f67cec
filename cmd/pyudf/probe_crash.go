//go:build crash

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// probe returns what kills the program, as a power cut would, at the point that PYUDF_CRASH names: apply:3 is the third
// time that some commit comes to its point apply. It is built for tests of crashes alone.
func probe(w *world) func(point string) {
	where := w.getenv("PYUDF_CRASH")
	if where == "" {
		return nil
	}
	name, count, _ := strings.Cut(where, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		panic(fmt.Sprintf("PYUDF_CRASH=%s: write a point and a number from 1 on, such as apply:3", where))
	}
	var reached atomic.Int64
	return func(point string) {
		if point == name && reached.Add(1) == n {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // it cannot fail on ourselves
			select {}                                      // nothing happens after the crash
		}
	}
}
