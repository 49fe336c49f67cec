package target_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/target"
	"github.com/pyudf/pyudf/udfworker/address"
)

func TestWhatToRunFollowsFromArgumentsAndFlags(t *testing.T) {
	certificates := address.TLS{Cert: "c", Key: "k", CA: "ca"}
	noon := target.Start{Kind: target.At, Time: time.Date(2013, 7, 1, 12, 0, 0, 0, time.UTC)}
	for _, test := range []struct {
		name  string
		args  []string
		flags target.Flags
		want  target.Target
	}{
		{"an app", []string{"heat.py"}, target.Flags{}, target.Target{File: "heat.py", Arguments: []string{"heat.py"}}},
		{"a module", []string{"my.pipelines"}, target.Flags{From: "latest"}, target.Target{File: "my.pipelines", Arguments: []string{"my.pipelines"}, Start: target.Start{Kind: target.Latest}}},
		{"an app of several", []string{"apps.py:heat"}, target.Flags{From: "latest"}, target.Target{File: "apps.py", Arguments: []string{"apps.py:heat"}, Start: target.Start{Kind: target.Latest}}},
		{"an app from a time", []string{"heat.py"}, target.Flags{From: "2013-07-01T12:00:00Z"}, target.Target{File: "heat.py", Arguments: []string{"heat.py"}, Start: noon}},
		{"an app with --start", []string{"heat.py"}, target.Flags{Start: "1372680000"}, target.Target{File: "heat.py", Arguments: []string{"heat.py"}, Start: noon}},
		{"a file with a colon in its path", []string{"a:/heat.py"}, target.Flags{}, target.Target{File: "a:/heat.py", Arguments: []string{"a:/heat.py"}}},
		{
			"a function",
			[]string{"src/features.py:heat_index"},
			target.Flags{From: "weather", Start: "latest", To: "heat", Column: "heat_index", Key: "station", Time: "time"},
			target.Target{
				File: "src/features.py",
				Arguments: []string{
					"src/features.py:heat_index", "--source=weather", "--to=heat", "--column=heat_index", "--key=station", "--time=time",
				},
				Start: target.Start{Kind: target.Latest},
			},
		},
		{"a function of a topic called latest", []string{"f.py:f"}, target.Flags{From: "latest", To: "-x"}, target.Target{File: "f.py", Arguments: []string{"f.py:f", "--source=latest", "--to=-x"}}},
		{"a worker that runs", nil, target.Flags{Attach: "/tmp/w.sock", From: "latest"}, target.Target{Attach: address.Address{Path: "/tmp/w.sock"}, Start: target.Start{Kind: target.Latest}}},
		{"a worker on TCP", nil, target.Flags{Attach: "heat:7443", TLS: certificates}, target.Target{Attach: address.Address{Host: "heat:7443"}, TLS: certificates}},
	} {
		got, err := target.Resolve(test.args, test.flags)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v (%v), want %+v", test.name, got, err, test.want)
		}
	}
}

func TestFaultsSayWhatToWrite(t *testing.T) {
	for _, test := range []struct {
		name  string
		args  []string
		flags target.Flags
		want  string
	}{
		{"nothing", nil, target.Flags{}, "there is nothing to run: name an app such as heat.py, or a function such as features.py:heat_index"},
		{"a start that is none", []string{"heat.py"}, target.Flags{From: "weather"}, "--from weather: write earliest, latest, or a time such as 2013-07-01T12:00:00Z"},
		{"two starts", []string{"heat.py"}, target.Flags{From: "latest", Start: "earliest"}, "--from latest and --start earliest contradict each other: give one of them"},
		{"a function without its input", []string{"f.py:f"}, target.Flags{To: "heat"}, "f.py:f needs an input: name a topic or file with --from"},
		{"a function without its output", []string{"f.py:f"}, target.Flags{From: "weather"}, "f.py:f needs an output: name a topic or file with --to"},
		{"a function of nothing to nowhere", []string{"f.py:f"}, target.Flags{Column: "x"}, "f.py:f needs an input: name a topic or file with --from\nf.py:f needs an output: name a topic or file with --to"},
		{"an app with a column", []string{"heat.py"}, target.Flags{To: "heat", Column: "x"}, "--to heat is for a single function (FILE:FUNCTION): an app says this itself\n--column x is for a single function (FILE:FUNCTION): an app says this itself"},
		{"two apps", []string{"heat.py"}, target.Flags{Attach: "s"}, "--attach s: the worker there has loaded its app already: leave out heat.py, or leave out --attach"},
		{"a worker without TLS", nil, target.Flags{Attach: "heat:7443"}, "heat:7443: on TCP a worker and its engine show each other certificates: add --worker-tls-cert FILE, --worker-tls-key FILE, --worker-tls-ca FILE, or use a Unix socket"},
		{"a worker nowhere", nil, target.Flags{Attach: "tcp://heat:7443"}, "--attach: tcp://heat:7443 is no address of a worker: write unix:///PATH, or tls://HOST:PORT"},
		{"certificates for nobody", []string{"heat.py"}, target.Flags{TLS: address.TLS{CA: "ca"}}, "--worker-tls-... are for a worker that runs already: add --attach HOST:PORT, or leave them out"},
	} {
		_, err := target.Resolve(test.args, test.flags)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

func TestADeploymentIsAttachedByItsName(t *testing.T) {
	name, at, err := target.ParseAttach("heat=unix:///run/heat.sock")
	if err != nil || name != "heat" || at.Path != "/run/heat.sock" {
		t.Errorf("got %s at %v (%v)", name, at, err)
	}
	name, at, err = target.ParseAttach("heat=heat.default.svc:7443")
	if err != nil || name != "heat" || at.Host != "heat.default.svc:7443" {
		t.Errorf("got %s at %v (%v)", name, at, err)
	}
	for text, want := range map[string]string{
		"unix:///run/heat.sock": "--attach unix:///run/heat.sock: write NAME=unix:///PATH or NAME=HOST:PORT, with the name of a deployment",
		"=heat.sock":            "--attach =heat.sock: write NAME=unix:///PATH or NAME=HOST:PORT, with the name of a deployment",
		"heat=":                 "--attach heat=: there is no address: write unix:///PATH, or HOST:PORT of a worker with TLS",
	} {
		if _, _, err := target.ParseAttach(text); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
