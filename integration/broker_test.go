package integration_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/broker"
	"github.com/pyudf/pyudf/integration/kafkatest"
)

func TestTheEngineOutlivesABrokerThatIsAway(t *testing.T) {
	kafkatest.EachOwn(t, func(t *testing.T, b *kafkatest.Broker) {
		f := newFlow(t, b, 3)
		f.send(t, 40_000)
		run := f.stream.start(t, "--commit-interval", "200ms", "--metrics-addr", "127.0.0.1:0")
		run.awaitOut(t, 1)
		b.Stop(t)
		run.await(t, "no broker can be reached")
		b.Start(t)
		f.send(t, 10_000)
		run.awaitOut(t, f.sent)
		run.stop(t)
		exactlyOnce(t, f.stream.results(t), f.sent)
		committed := 0
		for _, offset := range b.Committed(t, f.stream.app, f.stream.in) {
			committed += int(offset)
		}
		if committed != f.sent {
			t.Errorf("%d of %d records are committed", committed, f.sent)
		}
	})
}

// fault is something that a user has to mend before an app can run.
type fault struct {
	name string
	// app is the text of the app; empty for that of count.py.
	app string
	// path is where the app is said to be; empty: where it is.
	path  string
	flags []string
	says  []string
}

const header = "import os\nimport pyudf as pu\napp = pu.App(os.environ['APP'])\nsource = app.topic(os.environ['IN'])\n"

func faults() []fault {
	body := "@app.udf(source, to=os.environ['OUT'], column='y')\ndef double(n: int) -> int:\n    return n * 2\n"
	return []fault{
		{name: "missing file", path: "nowhere/app.py", says: []string{"nowhere/app.py"}},
		{name: "syntax error", app: header + "def double(n: int -> int:\n    return n\n", says: []string{"app.py", "line 5"}},
		{name: "missing module", app: "import no_such_module_of_ours\n" + header + body, says: []string{"no_such_module_of_ours"}},
		{name: "an error while it loads", app: header + "raise RuntimeError('not today')\n", says: []string{"not today", "app.py"}},
		{name: "no app", app: "import pyudf as pu\n", says: []string{"defines no app"}},
		{name: "missing annotation", app: header + "@app.udf(source, to=os.environ['OUT'], column='y')\ndef double(n):\n    return n\n", says: []string{"double", "app.py"}},
		{name: "missing interpreter", app: header + body, flags: []string{"--python", "/nowhere/python"}, says: []string{"/nowhere/python"}},
		{name: "unknown setting", app: header + body, flags: []string{"-X", "no.such.setting=1"}, says: []string{"no.such.setting"}},
		{name: "unknown topic", app: strings.ReplaceAll(header, "os.environ['IN']", "'no-such-topic'") + body, says: []string{"no-such-topic"}},
	}
}

func TestWhatTheUserHasToMendIsSaidOnceAndNothingIsConsumed(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		s := newStream(t, b, "count.py", 1)
		s.produce(t, numbered(0, 10)...)
		for _, f := range faults() {
			t.Run(f.name, func(t *testing.T) {
				s.file = f.path
				if f.path == "" {
					s.file = filepath.Join(t.TempDir(), "app.py")
					if err := os.WriteFile(s.file, []byte(f.app), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				refused(t, s, f.flags, f.says)
			})
		}
	})
}

// refused runs an app that cannot run.
func refused(t *testing.T, s *stream, flags, parts []string) {
	t.Helper()
	run := s.start(t, flags...)
	if code := run.wait(t); code != 2 {
		t.Errorf("it ended with %d, want 2", code)
	}
	said := run.err.String()
	contains(t, "the message", said, parts...)
	if !strings.HasPrefix(said, "pyudf: ") {
		t.Errorf("the message does not begin with pyudf: %s", said)
	}
	for line := range strings.Lines(said[1:]) {
		if strings.HasPrefix(line, "pyudf: ") {
			t.Errorf("more than one message:\n%s", said)
		}
	}
	if out := run.out.String(); out != "" {
		t.Errorf("stdout has %q", out)
	}
	if committed := s.broker.Committed(t, s.app, s.in); len(committed) > 0 {
		t.Errorf("offsets were committed: %v", committed)
	}
}

func TestAWrongPasswordIsSaidAndTheRightOneWorks(t *testing.T) {
	b := kafkatest.Kafka(t) // the embedded broker asks for no password
	s := newStream(t, b, "double.py", 1)
	s.produce(t, `{"x":1}`)
	login := func(password string) []string {
		config := filepath.Join(t.TempDir(), "client.properties")
		text := "security.protocol=sasl_plaintext\nsasl.mechanism=PLAIN\nsasl.username=" + broker.User + "\nsasl.password=" + password + "\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"--brokers", b.SASLAddr(), "--config", config}
	}
	refused(t, s, login("wrong-password"), []string{b.SASLAddr(), "sasl.password"})
	s.run(t, login(broker.Password)...)
	if got := len(s.results(t)); got != 1 {
		t.Errorf("%d results with the right password, want 1", got)
	}
}
