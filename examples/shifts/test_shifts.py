"""The example gives what it says, by pyudf.testing and by `pyudf run`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pyudf._harness import find_program
from pyudf.testing import run

from shifts import HOUR, Shift, app

HERE = Path(__file__).parent


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_shift_ends_at_the_logout_or_after_12_hours() -> None:
    with run(app) as t:
        t.send("actions.jsonl", lines(HERE / "actions.jsonl"))
        t.finish()
        assert t.read("shifts.jsonl") == lines(HERE / "expected.jsonl")
        assert (t.late, t.dead) == ([], [])


def test_a_shift_is_told_as_soon_as_it_is_over() -> None:
    told = []
    with run(app) as t:
        for action in lines(HERE / "actions.jsonl"):
            t.send("actions.jsonl", action)
            told += [(shift["courier"], action["at"]) for shift in t.read("shifts.jsonl")]
    assert told == [
        ("eva", "2024-05-01T18:00:00Z"),
        ("fin", "2024-05-01T20:40:00Z"),
        ("eva", "2024-05-02T01:00:00Z"),
        ("fin", "2024-05-02T01:15:00Z"),
    ]


def test_windows_of_two_actions_become_one_in_either_order() -> None:
    shift = Shift()
    login, work = shift.assign(0, "login"), shift.assign(11 * HOUR, "deliver")
    logout, next_day = shift.assign(9 * HOUR, "logout"), shift.assign(12 * HOUR, "login")
    for one, other, whole in (
        (login, work, (0, 12 * HOUR)),
        (login, logout, (0, 9 * HOUR + 1)),
        (login, next_day, None),
    ):
        assert shift.merge(one, other) == shift.merge(other, one) == whole


def test_a_run_over_the_file_gives_the_same(tmp_path: Path) -> None:
    for name in ("shifts.py", "actions.jsonl"):
        shutil.copy(HERE / name, tmp_path)
    command = [find_program(), "run", "shifts.py", "--python", sys.executable]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert lines(tmp_path / "shifts.jsonl") == lines(HERE / "expected.jsonl")
