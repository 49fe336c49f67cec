package main

import (
	"strings"
	"testing"
)

func TestAHarnessRefusesWhatCannotBe(t *testing.T) {
	p := newProgram(t)
	p.refuses(t, "pyudf: there is nothing to run: name an app such as heat.py, or a function such as features.py:heat_index\n  --partitions 0: write 1 or more",
		"harness", "--partitions", "0")
	p.refuses(t, "pyudf: no worker listens at /nowhere: there is no such file. Start one with `pyudf worker APP.py --socket /nowhere`",
		"harness", "--attach", "/nowhere")
}

func TestAHarnessIsNothingForPeople(t *testing.T) {
	p := newProgram(t)
	p.must(t, "--help")
	if text := p.out.String(); strings.Contains(text, "harness") {
		t.Error(text)
	}
}
