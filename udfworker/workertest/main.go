package workertest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// marker is the environment variable that makes a worker of the test binary.
const marker = "PYUDF_TEST_WORKER"

// How a worker starts, as its last argument.
const (
	// Serve is a worker that works.
	Serve = "serve"
	// Noisy writes to stdout before the handshake, and a megabyte to both streams after it.
	Noisy = "noisy"
	// Silent never says where it listens.
	Silent = "silent"
	// Deaf says where it listens but answers nothing.
	Deaf = "deaf"
	// Elsewhere listens outside of the directory that it was given.
	Elsewhere = "elsewhere"
	// Unloadable cannot load the user's code.
	Unloadable = "unloadable"
	// Incomplete ends at once, saying that a module is missing: see MissingModule.
	Incomplete = "incomplete"
	// Stubborn does not end when it is asked to.
	Stubborn = "stubborn"
)

// MissingModule names the module that a Incomplete worker misses.
const MissingModule = "PYUDF_TEST_MISSING_MODULE"

// Env returns the environment of a worker.
func Env(extra ...string) []string {
	return slices.Concat(os.Environ(), []string{marker + "=1"}, extra)
}

// Main is the worker if this process was started as one, and does not return then.
func Main() {
	if os.Getenv(marker) == "" {
		return
	}
	if os.Getenv("PYUDF_PLUGIN") != "worker" {
		fatal(2, "no engine started this worker")
	}
	switch behaviour := os.Args[len(os.Args)-1]; behaviour {
	case Silent:
		untilKilled()
	case Incomplete:
		fatal(1, fmt.Sprintf("%s: No module named %s", os.Args[0], os.Getenv(MissingModule)))
	default:
		serve(behaviour)
	}
	os.Exit(0)
}

func serve(behaviour string) {
	directory := os.Getenv("PLUGIN_UNIX_SOCKET_DIR")
	if behaviour == Elsewhere {
		directory = os.TempDir()
	}
	socket := filepath.Join(directory, "worker.sock")
	listener := listen(socket)
	if behaviour == Noisy {
		fmt.Println("site-packages say hello")
	}
	handshake(socket)
	if behaviour == Deaf {
		untilKilled()
	}
	if behaviour == Noisy {
		go noise()
	}
	newWorker(behaviour).serve(listener)
}

// noise is more than any pipe holds.
func noise() {
	fmt.Println(strings.Repeat("o", 1<<20))
	fmt.Fprintln(os.Stderr, strings.Repeat("e", 1<<20))
	fmt.Fprintf(os.Stderr, `{"@level":"info","@message":"%s","function":"loud"}`+"\n", strings.Repeat("m", 1<<20))
	fmt.Fprintln(os.Stderr, `{"@level":"info","@message":"quiet now","function":"loud"}`)
}

func handshake(socket string) { fmt.Printf("1|1|unix|%s|grpc\n", socket) }

// untilKilled waits on a timer: a bare select is a deadlock to the runtime, which ends the process.
func untilKilled() { <-time.After(time.Hour) }

func fatal(status int, message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(status)
}
