"""The cases of docs/semantics.md, as the page has them, by ``pyudf.testing`` and ``app.replay``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import pyudf as pu
from pyudf.testing import run

PAGE = Path(__file__).parents[2] / "docs" / "semantics.md"

# Cases that a clock, commits in between or a restart are a part of.
ELSEWHERE = {"S2", "E1", "E2", "E3", "W7"}

Event: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Told:
    """What an app wrote: behind each step, the last of which is the end, and what came too late."""

    steps: list[Rows]
    late: Rows


def streamed(app: pu.App, steps: list[list[Event]]) -> Told:
    """Send the events step by step, and look behind each."""
    with run(app) as t:
        told = []
        for step in steps:
            t.send("events", step)
            told.append(t.read("out"))
        t.finish()
        return Told([*told, t.read("out")], [record.value for record in t.late])


def replayed(app: pu.App, steps: list[list[Event]]) -> Told:
    """Replay what has come up to each step, which must not change what was told before."""
    told: list[Rows] = []
    for count in range(1, len(steps) + 2):
        events = [event for step in steps[:count] for event in step]
        replay = app.replay({"events": events}, flush=count > len(steps))
        rows: Rows = replay["out"].to_pylist()
        before = [row for step in told for row in step]
        assert rows[: len(before)] == before
        told.append(rows[len(before) :])
    late = [
        {name: value for name, value in row.items() if not name.startswith("pyudf.")}
        for row in replay.late.to_pylist()
    ]
    return Told(told, late)


Way: TypeAlias = Callable[[pu.App, list[list[Event]]], Told]
WAYS: dict[str, Way] = {"testing": streamed, "replay": replayed}


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the page."""

    id: str
    section: str
    options: str
    records: str
    results: str

    def app(self) -> pu.App:
        """Return an app with the windows of the case, which counts."""
        app = pu.App("cases")
        time = pu.event_time("ts", unit="ms", out_of_order=self.duration(r"B=(\d+)"))
        app.topic("events", key="k", time=time).window(self.window()).agg(n=pu.count()).to("out")
        return app

    def window(self) -> pu.Window:
        """Return the window that the section and the options name."""
        grace = self.duration(r"L=(\d+)")
        kind = self.section.partition(",")[0]
        if kind == "tumbling":
            size, offset = ("1d", "5h") if "a day" in self.options else ("10ms", "0ms")
            return pu.tumbling(size, offset=offset, grace=grace)
        if kind == "hopping":
            return pu.hopping("10ms", every=self.duration(r"every (\d+)", 5), grace=grace)
        if kind == "sliding":
            return pu.sliding("10ms", grace=grace)
        if "of their own" in self.options:
            return pu.session(gap_by="gap", grace=grace)
        longest = self.duration(r"`max_duration` (\d+)")
        return pu.session(
            self.duration(r"gap (\d+)", 10),
            grace=grace,
            max_duration=None if longest == "0ms" else longest,
            close_on=pu.col("action") == "logout" if "close_on" in self.options else None,
        )

    def duration(self, pattern: str, default: int = 0) -> str:
        """Return a number of the options, in ms."""
        found = re.search(pattern, self.options)
        return f"{found[1] if found else default}ms"

    def events(self) -> list[Event]:
        """Return the records; a name of several letters is an action of the key a."""
        found = re.findall(r"(\w+)@(-?\d+)(?: \((\d+)\))?", self.records)
        return [
            {"k": name if len(name) == 1 else "a", "ts": int(ts), "gap": int(gap or 0)}
            | {"action": name}
            for name, ts, gap in found
        ]

    def told(self) -> Iterator[tuple[list[tuple[Any, ...]], str]]:
        """Give the results that the page has, part by part, each with the record that brings it."""
        for part in re.split(r"; |, then ", self.results):
            found = re.findall(r"(\w)?\[(-?\d+),(-?\d+)[\])]=(\d+)", part)
            rows = [(k or "a", int(s), int(e), int(n)) for k, s, e, n in found]
            brought = re.search(r"when (\w)(?:@(\d+))? comes", part)
            yield rows, "".join(brought.groups("")) if brought else ""

    def late(self) -> list[tuple[str, int]]:
        """Return the records that the page says are late."""
        return [(key, int(ts)) for key, ts in re.findall(r"late (\w)@(\d+)", self.results)]


def cases() -> Iterator[Case]:
    """Give the rows of the page."""
    section = ""
    for line in PAGE.read_text().partition("## The cases")[2].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) < 2 or cells[0] == "id":
            continue
        if heading := re.fullmatch(r"\|? ?\| \*\*(.+)\*\* \| \|", line):
            section = heading[1]
            continue
        options, _, records = cells[1].rpartition(": ")
        yield Case(cells[0], section, options, records, cells[2])


CASES = {case.id: case for case in cases()}
IN_ORDER = [c for c in CASES.values() if c.id not in ELSEWHERE and "any order" not in c.records]
IN_ANY_ORDER = [c for c in CASES.values() if "any order" in c.records]


def written(rows: Rows) -> list[tuple[Any, ...]]:
    return [(row["k"], row["window_start"], row["window_end"], row["n"]) for row in rows]


def test_the_page_has_cases_of_every_kind() -> None:
    assert set(CASES) >= ELSEWHERE
    assert len(IN_ORDER) > 30
    assert {case.id for case in IN_ANY_ORDER} == {"S8", "S10", "S14"}
    assert {case.section.partition(",")[0] for case in IN_ORDER} == {
        "tumbling",
        "hopping",
        "sliding",
        "session",
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", IN_ORDER, ids=lambda case: case.id)
def test_each_case_gives_what_the_page_says(case: Case, way: str) -> None:
    events = case.events()
    told = WAYS[way](case.app(), [[event] for event in events])
    parts = list(case.told())
    assert written([r for step in told.steps for r in step]) == [
        r for part in parts for r in part[0]
    ]
    assert [(row["k"], row["ts"]) for row in told.late] == case.late()
    for rows, brought in parts:
        names = [event["k"] + (str(event["ts"]) if brought[1:] else "") for event in events]
        if brought:
            assert written(told.steps[names.index(brought)]) == rows
    if "nothing before the end" in case.results:
        assert not any(told.steps[:-1])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", IN_ANY_ORDER, ids=lambda case: case.id)
def test_every_order_of_arrival_gives_what_the_page_says(case: Case, way: str) -> None:
    orders = list(itertools.permutations(case.events()))
    events = [e | {"k": f"k{n}"} for n, order in enumerate(orders) for e in order]
    told = WAYS[way](case.app(), [events])
    ((expected, _),) = case.told()
    for number in range(len(orders)):
        rows = written([r for step in told.steps for r in step if r["k"] == f"k{number}"])
        assert [row[1:] for row in rows] == [row[1:] for row in expected]
    assert told.late == []


@pytest.mark.parametrize(
    ("window", "times", "expected"),
    [
        (pu.tumbling("10ms", emit="updates"), (1, 2, 3), ("a", 0, 10, 3)),
        (pu.session("10ms", emit="updates"), (0, 20, 10), ("a", 0, 20, 3)),
    ],
    ids=["E1", "S2"],
)
def test_what_changed_is_told_once_a_commit_and_a_replay_has_one(
    window: pu.Window, times: tuple[int, ...], expected: tuple[Any, ...]
) -> None:
    app = pu.App("updates")
    time = pu.event_time("ts", unit="ms", out_of_order="30ms")
    app.topic("events", key="k", time=time).window(window).agg(n=pu.count()).to("out")
    events = [{"k": "a", "ts": ts} for ts in times]
    with run(app) as t:
        t.send("events", events)
        sent: Rows = t.read("out")
    replayed: Rows = app.replay({"events": events}, flush=False)["out"].to_pylist()
    assert sent == replayed
    assert written(replayed) == [expected]


@pytest.mark.parametrize("way", WAYS)
def test_e3_a_result_on_time_is_followed_by_those_of_late_changes(way: str) -> None:
    app = pu.App("on-time")
    window = pu.tumbling("10ms", grace="5ms", emit="on_time+late")
    time = pu.event_time("ts", unit="ms")
    app.topic("events", key="k", time=time).window(window).agg(n=pu.count()).to("out")
    events = [{"k": k, "ts": ts} for k, ts in (("a", 5), ("b", 10), ("a", 9), ("b", 15))]
    told = WAYS[way](app, [[event] for event in events])
    rows = [[(row["k"], row["n"], row["rev"]) for row in step] for step in told.steps]
    assert rows[:4] == [[], [("a", 1, 0)], [("a", 2, 1)], []]
