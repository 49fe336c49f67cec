"""What becomes of sessions whose aggregator cannot merge its states."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import pyudf as pu
from pyudf.testing import Pipeline, run


class Total:
    """Adds up, but refuses to merge what is marked."""

    def create(self) -> dict[str, int]:
        return {"n": 0, "sum": 0}

    def add(self, state: dict[str, int], x: int) -> dict[str, int]:
        return {"n": state["n"] + 1, "sum": state["sum"] + x}

    def merge(self, a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
        if b["sum"] < 0:
            message = "these cannot be merged"
            raise ValueError(message)
        return {"n": a["n"] + b["n"], "sum": a["sum"] + b["sum"]}

    def result(self, state: dict[str, int]) -> int:
        return state["sum"]


MANY = 600  # more than are kept as rows, so that there are states to merge


@pytest.fixture
def sessions() -> Iterator[Pipeline]:
    app = pu.App("totals")
    time = pu.event_time("ts", unit="ms", out_of_order="1h")
    events = app.topic("events", key="k", time=time, schema={"k": str, "ts": int, "x": int})
    events.window(pu.session("10s")).agg(n=pu.count(), total=Total()).to("totals")
    with run(app) as t:
        yield t


def send(t: Pipeline, start: int, x: int) -> None:
    t.send("events", [{"k": "a", "ts": start + i, "x": x} for i in range(MANY)])


def test_s15_a_merge_that_raises_leaves_both_sessions_as_they_were(sessions: Pipeline) -> None:
    send(sessions, 0, 1)
    send(sessions, 15_000, -1)
    sessions.send("events", {"k": "a", "ts": 9_000, "x": 5})
    sessions.finish()
    got = [(row["n"], row["total"]) for row in sessions.read("totals")]
    assert got == [(MANY, MANY), (MANY, -MANY)]
    assert [letter.value for letter in sessions.dead] == [{"k": "a", "ts": 9_000, "x": 5}]
    assert "these cannot be merged" in sessions.dead[0].message


def test_sessions_that_become_one_have_what_both_had(sessions: Pipeline) -> None:
    send(sessions, 0, 1)
    send(sessions, 15_000, 2)
    sessions.send("events", {"k": "a", "ts": 9_000, "x": 5})
    sessions.finish()
    got = [(row["n"], row["total"]) for row in sessions.read("totals")]
    assert got == [(2 * MANY + 1, 3 * MANY + 5)]
    assert sessions.dead == []
