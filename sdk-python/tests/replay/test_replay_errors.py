"""What goes wrong: in a user's function, in the data, and when somebody interrupts."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
from pathlib import Path

import msgspec
import pandas as pd
import pytest

import pyudf as pu
from pyudf._enginerun import Engine
from pyudf.errors import DefinitionError, ReplayError
from pyudf.worker.v1 import worker_pb2


class Own(Exception):
    """An error with more to it than words."""

    def __init__(self, row: float) -> None:
        super().__init__(f"{row} is too hot")
        self.row = row


def picky(x: float) -> float:
    if x > 2:
        raise Own(x)
    return x


def app_of(function: object) -> pu.App:
    app = pu.App("errors")
    app.topic("rows").with_columns(y=function).to("out")  # type: ignore[arg-type]
    return app


FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})


def test_the_exception_itself_is_raised_with_the_frames_of_the_user_alone() -> None:
    with pytest.raises(Own) as err:
        app_of(picky).replay(FRAME)
    assert err.value.row == 3.0
    names = [frame.name for frame in traceback.extract_tb(err.value.__traceback__)]
    assert names[-1] == "picky"
    inner = err.value.__traceback__
    assert inner is not None
    hidden = [f.f_locals.get("__tracebackhide__") for f, _ in traceback.walk_tb(inner)]
    package = os.path.dirname(pu.__file__)
    for (frame, _), hides in zip(traceback.walk_tb(inner), hidden, strict=True):
        assert hides or not frame.f_code.co_filename.startswith(package)
    assert err.value.__context__ is None


def test_collected_rows_are_dead_letters_as_in_production() -> None:
    replay = app_of(picky).replay(FRAME, errors="collect")
    assert replay["out"]["y"].tolist() == [1.0, 2.0]
    assert replay.dead["row"].tolist() == [2, 3]
    assert replay.dead["reason"].tolist() == ["raised", "raised"]
    assert replay.dead["function"].tolist() == ["picky", "picky"]
    assert replay.dead["value"].tolist() == ['{"x":3.0}', '{"x":4.0}']
    assert "picky" in replay.dead["traceback"][0]
    assert ".dead: 2 records" in repr(replay)


def test_rows_that_a_function_is_told_to_skip_raise_nothing() -> None:
    app = pu.App("skips")
    app.topic("rows").with_columns(y=pu.call(picky, on_error="skip")).to("out")
    assert len(app.replay(FRAME)["out"]) == 2


def test_an_unknown_result_names_those_that_there_are() -> None:
    with pytest.raises(ReplayError, match="writes no 'ouT'; known results: out"):
        app_of(picky).replay(FRAME.head(1))["ouT"]


def test_options_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(DefinitionError, match="since= is for topics of a broker"):
        app_of(picky).replay(FRAME, since="1h")
    with pytest.raises(DefinitionError, match="errors='drop'"):
        app_of(picky).replay(FRAME, errors="drop")  # type: ignore[arg-type]


def test_an_engine_that_is_not_there_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYUDF_BIN", "/nowhere/pyudf")
    with pytest.raises(ReplayError, match="PYUDF_BIN=/nowhere/pyudf is no program"):
        app_of(picky).replay(FRAME)


# An engine that takes a job, hears nothing any more, calls a function and says how it ended.
HASTY = """#!{python}
import os, sys
for _ in range(2):
    sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(5)[1:], "little"))
os.close(0)
for letter, data in {frames!r}:
    sys.stdout.buffer.write(letter + len(data).to_bytes(4, "little") + data)
"""


def test_how_an_engine_ended_counts_though_a_call_has_no_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = {"inputs": [], "outputs": [], "late": [], "dead": ""}
    said = {"outcome": {"outputs": {}, "names": names, "read": {"rows": 4}}}
    call = worker_pb2.RunRequest(function="f").SerializeToString()
    program = tmp_path / "engine"
    frames = [(b"c", call), (b"s", msgspec.json.encode(said))]
    program.write_text(HASTY.format(python=sys.executable, frames=frames))
    program.chmod(0o700)
    monkeypatch.setenv("PYUDF_BIN", str(program))
    functions = {"f": lambda _request: worker_pb2.RunResponse()}
    with contextlib.closing(Engine()) as engine:
        assert engine.run(b"", {}, functions, lambda _read: None).read == {"rows": 4}


def test_nothing_is_left_of_a_replay() -> None:
    before = set(os.listdir(tempfile.gettempdir()))
    app_of(picky).replay(FRAME.head(2))
    with pytest.raises(Own):
        app_of(picky).replay(FRAME)
    left = {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("pyudf-replay-")}
    assert not left - before


def test_an_interrupt_ends_it_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(
        textwrap.dedent("""
        import sys, time
        import pyudf as pu

        def endless(x: float) -> float:
            print("begun", flush=True)
            while True:
                time.sleep(0.01)

        app = pu.App("endless")
        app.topic("rows").with_columns(y=endless).to("out")
        try:
            app.replay([{"x": 1.0}])
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """)
    )
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.read() == "interrupted\n"
    assert process.wait(10) == 0
    process.stdout.close()
    assert time.monotonic() - began < 5
    assert not os.path.exists(f"/proc/{children[0]}")
    assert [path.name for path in tmp_path.iterdir()] == ["endless.py"]


def test_an_engine_ends_with_the_process_that_asked(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        textwrap.dedent("""
        import os, time
        import pyudf as pu

        def waits(x: float) -> float:
            print("begun", flush=True)
            time.sleep(60)
            return x

        app = pu.App("killed")
        app.topic("rows").with_columns(y=waits).to("out")
        app.replay([{"x": 1.0}])
        """)
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (engine,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{engine}") and time.monotonic() < deadline:
        if Path(f"/proc/{engine}/stat").read_text().split()[2] == "Z":
            break  # gone, though nobody reaps it here
        time.sleep(0.05)
    else:
        assert not os.path.exists(f"/proc/{engine}")
