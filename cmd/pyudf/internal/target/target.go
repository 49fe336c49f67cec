// Package target owns what `pyudf run` and `pyudf plan` are pointed at: an app, a single function of a file, or a
// worker that runs already; and where reading begins.
//
// It is pure: it reads arguments and flags, and knows neither Python nor Kafka.
package target

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/pyudf/pyudf/engine/eventtime"
	"github.com/pyudf/pyudf/udfworker/address"
)

// Flags are the flags that say what to run. Empty ones were not given.
type Flags struct {
	// From is the start for an app, the input for a function.
	From   string
	Start  string
	To     string
	Column string
	Key    string
	Time   string
	// Attach is the address of a worker that runs already, and TLS are the certificates for it.
	Attach string
	TLS    address.TLS
}

// Target is what to run.
type Target struct {
	// File is the Python file, notebook, bundle or module; empty if there is an Attach.
	File string
	// Arguments are those of `python -m pyudf.worker`.
	Arguments []string
	Attach    address.Address
	TLS       address.TLS
	Start     Start
}

// Start is where to begin in a topic that the group has committed nothing of.
type Start struct {
	Kind StartKind
	Time time.Time // for At
}

// StartKind is a kind of Start.
type StartKind int

// The kinds of Start.
const (
	Earliest StartKind = iota
	Latest
	At
)

// named is FILE:NAME.
var named = regexp.MustCompile(`^(.+):([\p{L}_][\p{L}\p{N}_.]*)$`)

// Resolve reads what the user asked for. Its error names every fault, a line each.
func Resolve(args []string, flags Flags) (Target, error) {
	switch {
	case flags.Attach != "" && len(args) > 0:
		return Target{}, fmt.Errorf("--attach %s: the worker there has loaded its app already: leave out %s, or leave out --attach", flags.Attach, args[0])
	case flags.Attach != "":
		return attached(flags)
	case flags.TLS != (address.TLS{}):
		return Target{}, fmt.Errorf("--%s... are for a worker that runs already: add --attach HOST:PORT, or leave them out", tlsPrefix)
	case len(args) == 0:
		return Target{}, errors.New("there is nothing to run: name an app such as heat.py, or a function such as features.py:heat_index")
	}
	t := Target{File: args[0], Arguments: []string{args[0]}}
	if parts := named.FindStringSubmatch(args[0]); parts != nil {
		t.File = parts[1]
		if meansFunction(flags) {
			return single(t, flags)
		}
	}
	return app(t, flags)
}

// meansFunction tells whether FILE:NAME names a function, to be given an input and output, rather than an app of a
// file with several.
func meansFunction(flags Flags) bool {
	if flags.To != "" || flags.Column != "" {
		return true
	}
	_, err := ParseStart("--from", flags.From)
	return err != nil
}

// tlsPrefix is how the flags of certificates begin.
const tlsPrefix = "worker-tls-"

func attached(flags Flags) (Target, error) {
	at, err := address.Parse(flags.Attach)
	if err != nil {
		err = fmt.Errorf("--attach: %w", err)
	} else {
		err = flags.TLS.Check(at, "--"+tlsPrefix)
	}
	t, other := app(Target{Attach: at, TLS: flags.TLS}, flags)
	return t, errors.Join(err, other)
}

// ParseAttach reads NAME=ADDRESS: a deployment, and the worker that runs its functions.
func ParseAttach(text string) (name string, at address.Address, err error) {
	name, where, found := strings.Cut(text, "=")
	if !found || name == "" {
		return "", at, fmt.Errorf("--attach %s: write NAME=unix:///PATH or NAME=HOST:PORT, with the name of a deployment", text)
	}
	if at, err = address.Parse(where); err != nil {
		return "", at, fmt.Errorf("--attach %s: %w", text, err)
	}
	return name, at, nil
}

// File returns the file or module that an argument names, without the app or function behind it.
func File(argument string) (string, error) {
	if argument == "" {
		return "", errors.New("there is nothing to bundle: name a notebook such as heat.ipynb, or an app such as heat.py")
	}
	if parts := named.FindStringSubmatch(argument); parts != nil {
		return parts[1], nil
	}
	return argument, nil
}

func app(t Target, flags Flags) (Target, error) {
	var faults []error
	for _, flag := range []struct{ name, value string }{
		{"to", flags.To}, {"column", flags.Column}, {"key", flags.Key}, {"time", flags.Time},
	} {
		if flag.value != "" {
			faults = append(faults, fmt.Errorf("--%s %s is for a single function (FILE:FUNCTION): an app says this itself", flag.name, flag.value))
		}
	}
	name, text := "--from", flags.From
	if flags.Start != "" {
		if text != "" && text != flags.Start {
			faults = append(faults, fmt.Errorf("--from %s and --start %s contradict each other: give one of them", flags.From, flags.Start))
		}
		name, text = "--start", flags.Start
	}
	var err error
	if t.Start, err = ParseStart(name, text); err != nil {
		faults = append(faults, err)
	}
	return t, errors.Join(faults...)
}

func single(t Target, flags Flags) (Target, error) {
	var faults []error
	name := t.Arguments[0]
	if flags.From == "" {
		faults = append(faults, fmt.Errorf("%s needs an input: name a topic or file with --from", name))
	}
	if flags.To == "" {
		faults = append(faults, fmt.Errorf("%s needs an output: name a topic or file with --to", name))
	}
	t.Arguments = append(t.Arguments, flags.Function()...)
	var err error
	if t.Start, err = ParseStart("--start", flags.Start); err != nil {
		faults = append(faults, err)
	}
	return t, errors.Join(faults...)
}

// Function returns the arguments of a worker that serves a single function, besides its name.
func (f Flags) Function() []string {
	var arguments []string
	for _, flag := range []struct{ name, value string }{
		{"--source", f.From}, {"--to", f.To}, {"--column", f.Column}, {"--key", f.Key}, {"--time", f.Time},
	} {
		if flag.value != "" {
			arguments = append(arguments, flag.name+"="+flag.value)
		}
	}
	return arguments
}

// ParseStart reads where a new group begins, as the flag that it is given by.
func ParseStart(flag, text string) (Start, error) {
	switch strings.ToLower(text) {
	case "", "earliest":
		return Start{Kind: Earliest}, nil
	case "latest":
		return Start{Kind: Latest}, nil
	}
	ms, err := eventtime.Millis([]byte(text))
	if err != nil {
		return Start{}, fmt.Errorf("%s %s: write earliest, latest, or a time such as 2013-07-01T12:00:00Z", flag, text)
	}
	return Start{Kind: At, Time: time.UnixMilli(ms).UTC()}, nil
}
