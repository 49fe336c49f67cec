"""Windows, late records, sessions and state: the replay against ``pyudf.testing``."""

import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

import pyudf as pu
from pyudf._graph import To
from pyudf._job import Request
from pyudf._replaying import run as replayed
from pyudf.testing import run


def windowed(window: Callable[[], Any]) -> Callable[[], pu.App]:
    def build() -> pu.App:
        app = pu.App("windows")
        events = app.topic("events", key="k", time=pu.event_time("ts", unit="ms"))
        events.window(window()).agg(n=pu.count(), total=pu.sum("v"), rows=pu.collect("v")).to("out")
        return app

    return build


def rekeyed() -> pu.App:
    app = pu.App("rekeyed")
    events = app.topic("events", time=pu.event_time("ts", unit="ms", out_of_order="5ms"))
    hop = events.key_by("k")
    hop.window(pu.tumbling("10ms")).agg(n=pu.count(), mean=pu.mean("v")).to("means")
    hop.window(pu.session("8ms")).agg(n=pu.count()).to("sessions")
    return app


def running(v: float, total: pu.State[float] = pu.state(default=0.0)) -> float:
    total.set((total.value or 0.0) + v)
    return total.value or 0.0


def stateful() -> pu.App:
    app = pu.App("stateful")
    events = app.topic("events", key="k", time=pu.event_time("ts", unit="ms"))
    events.with_columns(sum=running).to("out")
    return app


APPS = {
    "tumbling": windowed(lambda: pu.tumbling("10ms")),
    "grace": windowed(lambda: pu.tumbling("10ms", grace="5ms")),
    "hopping": windowed(lambda: pu.hopping("10ms", every="4ms")),
    "sliding": windowed(lambda: pu.sliding("10ms")),
    "session": windowed(lambda: pu.session("10ms")),
    "count": windowed(lambda: pu.count(3)),
    "global": windowed(pu.global_),
    "rekeyed": rekeyed,
    "stateful": stateful,
}


def events(seed: int, count: int = 120) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [
        {"k": chance.choice("ab"), "ts": n + chance.randint(-20, 5), "v": chance.random()}
        for n in range(100, 100 + count)
    ]


@pytest.mark.parametrize("name", APPS)
def test_a_replay_is_what_the_stream_gives(name: str) -> None:
    given = events(7)
    app = APPS[name]()
    with run(app) as stream:
        stream.send("events", given)
        stream.finish()
        graph = app._graph  # noqa: SLF001 - the cut is no option of users
        outputs = [step.op.place.name for step in graph.steps if isinstance(step.op, To)]
        expected = {output: stream.read(output) for output in outputs}
        late = [record.value for record in stream.late]
    results: list[dict[str, Any]] = []
    for rows in (1, 7, 10_000):
        request = Request({"events": pa.Table.from_pylist(given)}, rows=rows)
        replay = replayed(graph, request)
        found = {output: replay[output].to_pylist() for output in outputs}
        results.append(found)
        assert {output: len(rows) for output, rows in found.items()} == dict(replay.counts)
        if replay.late is not None:
            rows_late = [
                {name: row[name] for name in ("k", "ts", "v")} for row in replay.late.to_pylist()
            ]
            assert sorted(rows_late, key=str) == sorted(late, key=str)
            results[-1]["late"] = rows_late
    assert {output: results[0][output] for output in outputs} == expected
    assert results[0] == results[1] == results[2]


def test_without_flush_what_is_open_stays_open() -> None:
    app = APPS["tumbling"]()
    given = [{"k": "a", "ts": 1, "v": 1.0}, {"k": "a", "ts": 12, "v": 1.0}]
    assert [row["n"] for row in app.replay(given, flush=False)["out"].to_pylist()] == [1]
    assert [row["n"] for row in app.replay(given)["out"].to_pylist()] == [1, 1]


def test_several_sources_each_in_its_own_order_and_a_timestamp_of_a_column() -> None:
    app = pu.App("two")
    for name in ("left", "right"):
        topic = app.topic(name, key="k")
        topic.window(pu.tumbling("10ms")).agg(n=pu.count()).to(f"{name}_counts")
    day = 1_700_000_000_000
    rows = pa.table({"k": ["a", "a", "a"], "at": [day + 1, day + 2, day + 25]})
    replay = app.replay({"left": rows, "right": rows.slice(0, 1)}, timestamp="at")
    assert replay["left_counts"].column("n").to_pylist() == [2, 1]
    assert replay["right_counts"].column("n").to_pylist() == [1]
    assert dict(replay.read) == {"left": 3, "right": 1}
