package integration_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/integration/kafkatest"
	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// refusal is a deployment that is refused.
type refusal struct {
	name   string
	target func(t *testing.T, c *cluster) string
	flags  []string
	// says is what the user is told; here tells that it is before a node is asked.
	says []string
	here bool
}

func edited(replaced ...string) func(*testing.T, *cluster) string {
	return func(t *testing.T, c *cluster) string { return c.write(t, replaced...) }
}

func refusals() []refusal {
	return []refusal{
		{
			name: "a function whose fields the topic does not have", target: edited("version(n: int)", "version(humidity: int)"),
			says: []string{"deployed.py", "version needs the field humidity", "k, n, region, ts", "rename the parameter"},
		},
		{
			name: "a window that cannot go on with what is kept", target: edited(`WIDTH = "10ms"`, `WIDTH = "20ms"`),
			says: []string{"--reset-state"},
		},
		{
			name: "an app that reads a file", target: edited(`app.topic(IN, key="k", time=when)`, `app.file("readings.csv", key="k", time=when)`),
			says: []string{"readings.csv", "read a topic"},
		},
		{
			name: "an app that writes a file", target: edited("marked.to(OUT)", `marked.to(pu.file("marked.jsonl"))`),
			says: []string{"marked.jsonl", "write to topics"},
		},
		{
			name: "a topic that is not there", target: edited("app.topic(IN", `app.topic("nobody-made-this"`),
			says: []string{"nobody-made-this", "pyudf produce"},
		},
		{
			name: "code that does not parse", target: edited("VERSION = 1", "VERSION = = 1"),
			here: true,
			says: []string{"deployed.py:10", "SyntaxError", "mend the line"},
		},
		{name: "a notebook that does not parse", target: brokenCell, here: true, says: []string{"broken.ipynb, cell 2, line 2", "mend the line"}},
		{name: "a notebook that is none", target: brokenNotebook, here: true, says: []string{"broken.ipynb is no notebook", "save it again"}},
		{name: "an archive that leads out of its directory", target: leadingOut, says: []string{"../evil.py", "which leads out of it"}},
		{name: "requirements that do not resolve", target: unresolved, says: []string{"nosuchpackage"}},
		{name: "a secret that no node has", target: edited("VERSION = 1", "VERSION = 2"), flags: []string{"--secret", "KEY=env:NOBODY_SET_THIS"}, says: []string{"NOBODY_SET_THIS", "set it where the node is started"}},
	}
}

func TestWhatIsRefusedChangesNothing(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCluster(t, b)
		n := c.node(t, t.TempDir(), nil, "--wheels", t.TempDir(), "--installer", "pip")
		n.deploy(t, c.version(t, 1))
		c.flow(t, 500)
		c.awaitVersion(t, 1)
		before := c.state(t, n)
		for _, r := range refusals() {
			t.Run(r.name, func(t *testing.T) {
				args := append([]string{"deploy", r.target(t, c), "--name", c.app}, r.flags...)
				said := n.refuse(t, nil, args...)
				contains(t, "the refusal", said, r.says...)
				if !r.here {
					contains(t, "the refusal", said, c.app+" 1 goes on")
				}
				if after := c.state(t, n); !after.same(before) {
					t.Errorf("it changed something: %+v\nbefore: %+v", after, before)
				}
			})
		}
		t.Run("a node with an older protocol", func(t *testing.T) {
			c.announce(t, &controlv1.Node{Id: "old-one", Cluster: c.name, Version: "0.0.1", SeenMs: time.Now().Add(time.Minute).UnixMilli()})
			contains(t, "the refusal", n.refuse(t, nil, "deploy", c.version(t, 2)), "old-one", "0.0.1", "update pyudf there")
			if after := c.state(t, n); !after.same(before) {
				t.Errorf("it changed something: %+v\nbefore: %+v", after, before)
			}
			c.withdraw(t, "old-one")
		})
		c.awaitVersion(t, 1)
		c.exact(t, c.finish(t))

		wider := c.write(t, `WIDTH = "10ms"`, `WIDTH = "20ms"`)
		if d := n.deploy(t, wider, "--reset-state"); d.Version != 2 || d.State != "running" {
			t.Errorf("with --reset-state: %+v", d)
		}
	})
}

// announce has the cluster hear of a node.
func (c *cluster) announce(t *testing.T, node *controlv1.Node) {
	t.Helper()
	value, err := proto.Marshal(node)
	if err != nil {
		t.Fatal(err)
	}
	c.producer.Produce(t, "_pyudf-"+c.name, kafkatest.Record{Key: []byte("node/" + node.GetId()), Value: value})
}

func (c *cluster) withdraw(t *testing.T, id string) {
	t.Helper()
	c.producer.Produce(t, "_pyudf-"+c.name, kafkatest.Record{Key: []byte("node/" + id)})
}

func brokenCell(t *testing.T, c *cluster) string {
	t.Helper()
	return c.put(t, "broken.ipynb", `{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1, "outputs": [], "source": ["import pyudf as pu\n"]},
{"cell_type": "code", "id": "b", "metadata": {}, "execution_count": 2, "outputs": [], "source": ["app = pu.App('x'\n", "def f(:\n"]}]}`)
}

func brokenNotebook(t *testing.T, c *cluster) string {
	t.Helper()
	return c.put(t, "broken.ipynb", "import pyudf as pu\n")
}

// leadingOut builds a bundle and adds a file to it that would lie elsewhere.
func leadingOut(t *testing.T, c *cluster) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.pyudf")
	pyudf(t, nil, "bundle", "build", c.version(t, 2), "--out", path)
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	from, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	var grown bytes.Buffer
	to := zip.NewWriter(&grown)
	for _, file := range from.File {
		if err := to.Copy(file); err != nil {
			t.Fatal(err)
		}
	}
	evil, err := to.Create("../evil.py")
	if err == nil {
		_, err = evil.Write([]byte("print('hello')\n"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return c.put(t, "evil.pyudf", grown.String())
}

func unresolved(t *testing.T, c *cluster) string {
	t.Helper()
	file := c.version(t, 2)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "requirements.txt"), []byte("nosuchpackage==1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
