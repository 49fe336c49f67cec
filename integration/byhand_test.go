package integration_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

// moveTo has a machine without any state go on in place of the one before.
func (c *counting) moveTo(dir string) { c.flags[1] = dir }

// byHand runs `pyudf state` on the state of the machine.
func (c *counting) byHand(t *testing.T, args ...string) *program {
	t.Helper()
	return pyudf(t, c.stream.broker, append(append([]string{"state"}, args...), "--state-dir", c.flags[1])...)
}

func TestStateGoesThroughAFileToAnotherMachineAndFromThereIntoTheChangelog(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCounting(t, b)
		c.send(t, 5_000)
		c.stream.run(t, c.flags...)
		dir := t.TempDir()
		first, second := filepath.Join(dir, "first.parquet"), filepath.Join(dir, "second.parquet")
		c.byHand(t, "export", c.stream.app, "--to", first)

		c.moveTo(t.TempDir())
		c.byHand(t, "import", c.stream.app, first)
		c.byHand(t, "export", c.stream.app, "--to", second)
		identical(t, first, second)
		c.send(t, 5_000)
		c.stream.run(t, c.flags...)

		c.moveTo(t.TempDir()) // which finds the state in the changelog alone
		c.send(t, 5_000)
		c.finish(t)
		if again := c.counted(t); again > 0 {
			t.Errorf("%d records came again", again)
		}
		c.windowsAgree(t)
	})
}

// identical fails unless two files have the same bytes.
func identical(t *testing.T, a, b string) {
	t.Helper()
	one, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Errorf("%s and %s differ", a, b)
	}
}

func TestStateIsShownByKey(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCounting(t, b)
		c.send(t, 3_100) // a hundred for each key, all in one window
		c.stream.run(t, c.flags...)
		shown := c.byHand(t, "inspect", c.stream.app, "--key", "7").out.String()
		for _, want := range []string{
			`state  {"k":"7"}  last record 1970-01-01T00:00:03.076Z  {"seen":100}`,
			`window  {"k":"7"}  from 1970-01-01T00:00:00Z  to 1970-01-01T00:00:05Z  100 records  {"n":100,"listed":{"rows":[`,
		} {
			if strings.Count(shown, want) != 1 {
				t.Errorf("%s is not there once:\n%s", want, shorten(shown))
			}
		}
	})
}

func TestAnExportIsATableForPandasAsItsPageSays(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("(?ms)^```python\n(.*?)^```$").FindSubmatch(page)
	if code == nil {
		t.Fatal("the page has no code")
	}
	b := kafkatest.Embedded(t)
	c := newCounting(t, b)
	c.send(t, 3_100)
	c.stream.run(t, c.flags...)
	dir := t.TempDir()
	c.byHand(t, "export", c.stream.app, "--to", filepath.Join(dir, "heat.parquet"))
	python := exec.CommandContext(t.Context(), kafkatest.Python(t), "-c", string(code[1]))
	python.Dir = dir
	out, err := python.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for _, want := range []string{`{"k":"0"} 1970-01-01 00:00:00+00:00 1970-01-01 00:00:05+00:00 100.0`, "'n': 100"} {
		if !strings.Contains(strings.Join(strings.Fields(string(out)), " "), want) {
			t.Errorf("%s is not there:\n%s", want, shorten(string(out)))
		}
	}
}
