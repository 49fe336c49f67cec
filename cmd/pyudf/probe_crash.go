//go:build crash

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// crash is a moment at which the program dies.
type crash struct {
	point string
	nth   int64
	after time.Duration // while the program goes on
}

// probe returns what kills the program, as a power cut would, at the point that PYUDF_CRASH names: apply:3 is the third
// time that some commit comes to its point apply, apply:3+5ms is 5 ms later. It is built for tests of crashes alone.
func probe(w *world) func(point string) {
	where := w.getenv("PYUDF_CRASH")
	if where == "" {
		return nil
	}
	at, err := parseCrash(where)
	if err != nil {
		panic(fmt.Sprintf("PYUDF_CRASH=%s: %v; write a point and a number from 1 on, such as apply:3 or apply:3+5ms", where, err))
	}
	var reached atomic.Int64
	return func(point string) {
		if point != at.point || reached.Add(1) != at.nth {
			return
		}
		if at.after > 0 {
			time.AfterFunc(at.after, die)
			return
		}
		die()
	}
}

func parseCrash(where string) (at crash, err error) {
	point, when, _ := strings.Cut(where, ":")
	nth, after, delayed := strings.Cut(when, "+")
	at.point = point
	if at.nth, err = strconv.ParseInt(nth, 10, 64); err == nil && delayed {
		at.after, err = time.ParseDuration(after)
	}
	return at, err
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // it cannot fail on ourselves
	select {}                                      // nothing happens after the crash
}
