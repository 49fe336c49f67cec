package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew") //nolint:gochecknoglobals // a flag

func TestHelpIsTheGoldenOne(t *testing.T) {
	p := newProgram(t)
	for _, command := range []string{"", "run", "status", "state", "state inspect", "state export", "state import", "plan", "deploy", "list", "history", "rollback", "logs", "stop", "start", "delete", "engine", "worker", "bundle", "bundle build", "bundle show", "token", "produce", "tail", "dev", "version"} {
		p.must(t, strings.Fields(command+" --help")...)
		golden := filepath.Join("testdata", strings.TrimSpace("help "+command)+".txt")
		if *rewrite {
			if err := os.WriteFile(golden, p.out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if p.out.String() != string(want) {
			t.Errorf("%s differs (-rewrite writes it anew); got\n%s", golden, p.out.String())
		}
	}
}

func TestEveryCommandHasAnExampleAndAGroup(t *testing.T) {
	for _, cmd := range newRoot(newProgram(t).world).Commands() {
		if cmd.GroupID == "" || (cmd.Example == "" && cmd.Name() != "version") {
			t.Errorf("%s lacks a group or an example", cmd.Name())
		}
	}
}

func TestAWrongCommandLineLeavesOneMessageAndEndsWith2(t *testing.T) {
	p := newProgram(t)
	for _, test := range []struct{ args, want string }{
		{"frob", "pyudf: unknown command \"frob\" for \"pyudf\"\n  see `pyudf --help`"},
		{"run --frob", "pyudf: unknown flag: --frob\n  see `pyudf run --help`"},
		{"produce weather", "pyudf: `pyudf produce TOPIC FILE` takes 2 arguments, not 1\n  see `pyudf produce --help`"},
		{"state frob", "pyudf: `pyudf state` can inspect, export or import, not frob\n  see `pyudf state --help`"},
		{"run a.py b.py", "pyudf: `pyudf run APP.py | FILE:FUNCTION` takes 1 argument, not 2\n  see `pyudf run --help`"},
		{"version now", "pyudf: `pyudf version` takes no arguments, not 1\n  see `pyudf version --help`"},
		{
			"run heat.py --workers 0 --pprof --commit-interval 0s --progress loud --log-format xml -X a --from yesterday",
			"pyudf: -X a: there is no '=': write key=value, such as security.protocol=SASL_SSL\n" +
				"  --from yesterday: write earliest, latest, or a time such as 2013-07-01T12:00:00Z\n" +
				"  --log-format xml: write text or json\n" +
				"  --progress loud: write auto, always or never\n" +
				"  --workers 0: write 1 or more\n" +
				"  --commit-interval 0s: write a time such as 5s\n" +
				"  --pprof needs an address: add --metrics-addr HOST:PORT",
		},
		{"run", "pyudf: there is nothing to run: name an app such as heat.py, or a function such as features.py:heat_index"},
		{"run --attach s --workers 2", "pyudf: --workers 2: an attached worker is one process: leave --workers out"},
		{"run --attach heat:7443 --worker-tls-cert c", "pyudf: heat:7443: on TCP a worker and its engine show each other certificates: add --worker-tls-key FILE, --worker-tls-ca FILE, or use a Unix socket"},
		{"run --attach tcp://heat:7443", "pyudf: --attach: tcp://heat:7443 is no address of a worker: write unix:///PATH, or tls://HOST:PORT"},
		{"worker", "pyudf: `pyudf worker APP.py | FILE:FUNCTION` takes 1 argument, not 0\n  see `pyudf worker --help`"},
		{"worker heat.py", "pyudf: nobody could reach the worker: add --socket PATH, or --listen HOST:PORT with certificates"},
		{"worker heat.py --socket s --listen h:1", "pyudf: --socket s and --listen h:1: a worker listens at one place: give one of them"},
		{"worker heat.py --listen 127.0.0.1:7443", "pyudf: 127.0.0.1:7443: on TCP a worker and its engine show each other certificates: add --tls-cert FILE, --tls-key FILE, --tls-ca FILE, or use a Unix socket"},
		{"worker heat.py --socket s --tls-ca ca", "pyudf: certificates are for a worker on TCP: leave out --tls-cert, --tls-key, --tls-ca and --tls-name, or write HOST:PORT"},
		{"worker heat.py --socket s --from latest --socket-mode 999 --drain-timeout 0s", "pyudf: --from latest: where reading begins is for the engine to know: leave it out here\n  --socket-mode 999: write an octal number such as 0660\n  --drain-timeout 0s: write a time such as 25s"},
		{"worker nope.py --socket s", "pyudf: nope.py: no such file or directory; give the path of your app as seen from this directory"},
		{"run heat.py --flush", "pyudf: --flush closes windows at the end: add --until-end"},
		{"run nope.py", "pyudf: nope.py: no such file or directory; give the path of your app as seen from this directory"},
		{"run main.go --python nope", "pyudf: --python nope: there is no such interpreter or virtual environment"},
		{"run heat.py --config nope", "pyudf: --config nope: no such file or directory"},
		{"run heat.py --metrics-addr nowhere", "pyudf: --metrics-addr nowhere: listen tcp: address nowhere: missing port in address"},
		{"plan heat.py --format pdf --log-level loud", "pyudf: --log-level loud: write debug, info, warn or error\n  --format pdf: write text, json, dot or svg"},
		{"produce t data.txt --partitions 0", "pyudf: data.txt does not say by its name what it holds: add --format csv, or --format json for a JSON object on each line\n  --partitions 0: write 1 or more"},
		{"produce t nope.csv", "pyudf: nope.csv: no such file or directory; give the path of a file as seen from this directory, or - for standard input"},
		{"deploy", "pyudf: `pyudf deploy TARGET` takes 1 argument, not 0\n  see `pyudf deploy --help`"},
		{"logs heat --lines 0", "pyudf: --lines 0: write 1 or more"},
		{"rollback heat --to last", "pyudf: invalid argument \"last\" for \"--to\" flag: strconv.ParseUint: parsing \"last\": invalid syntax\n  see `pyudf rollback --help`"},
		{"bundle build", "pyudf: `pyudf bundle build TARGET` takes 1 argument, not 0\n  see `pyudf bundle build --help`"},
		{"bundle build heat.ipynb --output yaml", "pyudf: --output yaml: write text or json"},
		{"bundle show nope.pyudf", "pyudf: nope.pyudf: no such file or directory; give the path of your app as seen from this directory"},
		{"tail t --offset first --limit -1 --format yaml", "pyudf: --offset first: write a number, earliest, latest, or -n for the last n records of each partition\n  --limit -1: write 1 or more, or leave it out\n  --format yaml: write text or json"},
		{"dev --addr nowhere --partitions -1", "pyudf: \"nowhere\" is no address to listen on: write host:port, such as 127.0.0.1:9092\n  a topic cannot have -1 partitions: write 1 or more"},
	} {
		p.refuses(t, test.want, strings.Fields(test.args)...)
		if p.out.Len() > 0 {
			t.Errorf("%s wrote to stdout: %s", test.args, p.out.String())
		}
	}
}

func TestVersionNamesTheProgram(t *testing.T) {
	p := newProgram(t)
	p.must(t, "version")
	if !strings.HasPrefix(p.out.String(), "pyudf "+version) {
		t.Fatalf("got %s", p.out.String())
	}
}

func TestCompletionIsThereForEveryShell(t *testing.T) {
	p := newProgram(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		p.must(t, "completion", shell)
		if !strings.Contains(p.out.String(), "pyudf") {
			t.Errorf("%s has no completion", shell)
		}
	}
}

func TestTheSecondSignalEndsTheProgramAtOnce(t *testing.T) {
	p := newProgram(t)
	ended := make(chan int, 1)
	p.world.exit = func(code int) { ended <- code }
	noticed := make(chan struct{})
	ctx, release := p.world.interruptible(t.Context(), func() { close(noticed) })
	p.signals <- os.Interrupt
	<-ctx.Done()
	<-noticed
	p.signals <- os.Interrupt
	if code := <-ended; code != 1 {
		t.Fatalf("it ended with %d, want 1", code)
	}
	release()
	if want := "stopped at once: what was not committed comes again in the next run\n"; p.err.String() != want {
		t.Fatalf("got %s, want %s", p.err.String(), want)
	}
}
