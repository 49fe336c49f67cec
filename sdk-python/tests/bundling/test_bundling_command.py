"""The command says what goes and what does not, for people and for programs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bundling.jupyter import write_notebook
from bundling.shapes import HEAD
from pyudf.bundling._commands import main

CELLS = (
    HEAD.strip(),
    "%matplotlib inline\nimport math\ncodes = open('codes.json').read()",
    "def f(x: float) -> str:\n    return codes",
    "f(2.0)\nweather.with_columns(y=f).to('out')",
)

TEXT = """\
heat-HASH.pyudf: the app heat of heat.ipynb, 2 files with 208 B, for Python 3.11 and pyudf 0.1.0

what goes in:
  cell 1, line 1    import pyudf as pu                                  cell 1, line 2 needs pu
  cell 1, line 2    app = pu.App("heat")                                it is the app
  cell 1, line 3    weather = app.topic("weather", key="station")       cell 4, line 2 needs weather
  cell 2, line 3    codes = open('codes.json').read()                   cell 3, line 1 needs codes
  cell 3, line 1-2  def f(x: float) -> str:                             cell 4, line 2 needs f
  cell 4, line 2    weather.with_columns(y=f).to('out')                 the app writes there

what does not:
  cell 2, line 1  %matplotlib inline                                  a magic of IPython
  cell 2, line 2  import math                                         nothing that goes uses math
  cell 4, line 1  f(2.0)                                              it shows something, and \
changes nothing that goes

files:
  codes.json             8 B  read at heat.ipynb, cell 2, line 3
  heat_notebook.py     200 B  what goes of heat.ipynb

hash HASH
without places HASH
"""


@pytest.fixture
def notebook(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(home)
    write_notebook(home / "heat.ipynb", *CELLS)
    return "heat.ipynb"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def program(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code, out, _ = run(capsys, *arguments, "--output", "json")
    assert code == 0
    return json.loads(out)


def test_build_writes_a_file_and_says_what_goes_and_why(
    notebook: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "build", notebook)
    assert (code, err) == (0, "")
    assert re.sub(r"[0-9a-f]{64}|(?<=heat-)[0-9a-f]{12}", "HASH", out) == TEXT
    assert [p.name for p in home.glob("*.pyudf")] == [out.partition(":")[0]]


def test_show_of_a_target_writes_nothing(
    notebook: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, shown, _ = run(capsys, "show", notebook)
    assert not list(home.glob("*.pyudf"))
    assert run(capsys, "build", notebook)[1] == shown


def test_show_of_a_bundle_says_what_is_in_it(
    notebook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    built = program(capsys, "build", notebook, "-o", "x.pyudf")
    shown = program(capsys, "show", "x.pyudf")
    assert built.items() >= shown.items()
    assert shown["manifest"]["entry"]["target"] == "heat.ipynb"
    code, out, _ = run(capsys, "show", "x.pyudf")
    assert code == 0
    assert f"hash {shown['hash']}\n" in out


def test_json_has_every_part_with_its_reason(
    notebook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    built = program(capsys, "show", notebook)
    assert built["parts"][3] == {
        "place": "heat.ipynb, cell 2, line 1",
        "line": 1,
        "end": 1,
        "text": "%matplotlib inline",
        "taken": False,
        "reason": "a magic of IPython",
    }
    assert built["file"] is None
    assert built["reasons"]["codes.json"] == "read at heat.ipynb, cell 2, line 3"


def test_faults_are_lines_on_stderr_and_data_in_json(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    write_notebook(home / "heat.ipynb", HEAD, "K = input()\nweather.to(K)")
    code, out, err = run(capsys, "build", "heat.ipynb")
    assert (code, out) == (2, "")
    assert err == (
        "heat.ipynb cannot go as it is:\nheat.ipynb, cell 2, line 1: input() waits for a person, "
        "and in production there is none; write the value, or read it from os.environ\n"
    )
    code, out, _ = run(capsys, "build", "heat.ipynb", "--output", "json")
    assert code == 2
    assert json.loads(out)["faults"][0]["place"] == "heat.ipynb, cell 2, line 1"
    assert not list(home.glob("*.pyudf"))


def test_a_place_that_cannot_be_written_is_refused(
    notebook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "build", notebook, "-o", "gone/x.pyudf")
    assert code == 2
    assert err == "gone/x.pyudf: No such file or directory; name another place with -o\n"


def test_sizes_are_read_as_people_write_them(
    notebook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "show", notebook, "--max-file", "1kB")[0] == 0
    assert run(capsys, "show", notebook, "--max-file", "7")[0] == 2
    with pytest.raises(SystemExit):
        main(["show", notebook, "--max-file", "much"])
    assert "'much' is no size; write one such as 10MB" in capsys.readouterr().err
