"""The example gives what it says, by pyudf.testing and by `pyudf run`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pyudf._harness import find_program
from pyudf.testing import run

from couriers import app

HERE = Path(__file__).parent


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_couriers_are_active_when_two_actions_lie_within_45_minutes() -> None:
    with run(app) as t:
        t.send("actions.jsonl", lines(HERE / "actions.jsonl"))
        t.finish()
        assert t.read("active.jsonl") == lines(HERE / "expected.jsonl")
        assert [record.value["courier"] for record in t.late] == ["dia"]
        assert t.dead == []


def test_a_session_is_told_when_its_courier_was_silent_for_45_minutes_and_no_sooner() -> None:
    told = {}
    with run(app) as t:
        for action in lines(HERE / "actions.jsonl"):
            t.send("actions.jsonl", action)
            for session in t.read("active.jsonl"):
                told[session["courier"], session["actions"]] = action["at"]
    # By the first action that lies more than 45 minutes and the 5 of out_of_order behind.
    assert told == {
        ("ann", 4): "2024-05-01T11:25:00Z",
        ("cem", 2): "2024-05-01T12:30:00Z",
        ("ben", 2): "2024-05-01T12:30:00Z",
    }


def test_a_run_over_the_file_gives_the_same(tmp_path: Path) -> None:
    for name in ("couriers.py", "actions.jsonl"):
        shutil.copy(HERE / name, tmp_path)
    command = [find_program(), "run", "couriers.py", "--python", sys.executable]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert lines(tmp_path / "active.jsonl") == lines(HERE / "expected.jsonl")
    late = lines(tmp_path / "couriers.late.jsonl")
    assert [record["value"]["courier"] for record in late] == ["dia"]
