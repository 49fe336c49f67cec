"""pyudf.testing, with the real engine."""

from __future__ import annotations

import datetime
import itertools
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pyudf as pu
from pyudf import _harness
from pyudf._worker.local import LocalWorker
from pyudf.testing import DeadLetter, PipelineError, Record, run


def orders(window: pu.Window, **fields: pu.Aggregate) -> pu.App:
    """An app that counts orders of couriers in windows."""
    app = pu.App("delivery")
    stream = app.topic("orders", key="courier")
    stream.window(window).agg(n=pu.count(), **fields).to("counts")
    return app


def windows(rows: list[dict[str, int]]) -> list[tuple[object, ...]]:
    """Results as (key, start, end, count), in seconds."""
    return [
        (r["courier"], r["window_start"] // 1000, r["window_end"] // 1000, r["n"]) for r in rows
    ]


def order(courier: str, **fields: object) -> dict[str, object]:
    return {"courier": courier, **fields}


def test_a_window_is_given_when_it_closes_and_not_before() -> None:
    with run(orders(pu.tumbling("10s"))) as t:
        t.send("orders", order("a"), at=0)
        t.send("orders", order("b"), at=9_000)
        assert t.read("counts") == []
        t.send("orders", order("b"), at=10_000)
        assert windows(t.read("counts")) == [("a", 0, 10, 1), ("b", 0, 10, 1)]
        assert t.read("counts") == []
        t.finish()
        assert windows(t.read("counts")) == [("b", 10, 20, 1)]


def test_a_session_takes_five_lines() -> None:
    with run(orders(pu.session("45m", min_events=2))) as t:
        t.send("orders", order("ann"), at="2024-05-01T10:00:00Z")
        t.send("orders", order("ann"), at="2024-05-01T10:45:00Z")
        t.send("orders", order("bob"), at="2024-05-01T10:45:00Z")
        t.finish()
        assert [(row["courier"], row["n"]) for row in t.read("counts")] == [("ann", 2)]


def test_moments_may_be_numbers_texts_and_datetimes() -> None:
    second = datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.UTC)
    app = pu.App("copy")
    app.topic("in").to("out")
    with run(app, now=7_000) as t:
        for at in (1_000, "1970-01-01T00:00:01", second, second.replace(tzinfo=None)):
            t.send("in", {}, at=at)
        t.send("in", {})
        assert [record.time for record in t.records("out")] == [1_000] * 4 + [7_000]


def test_a_late_record_is_seen_with_the_window_that_it_missed() -> None:
    with run(orders(pu.tumbling("10s"))) as t:
        for at in (5_000, 10_000, 9_000):
            t.send("orders", order("a", at=at), at=at)
        (late,) = t.late
        assert late.value == {"courier": "a", "at": 9_000}
        assert late.headers["pyudf.window_start"] == "0"
        assert windows(t.read("counts")) == [("a", 0, 10, 1)]


def test_an_idle_input_closes_its_windows_by_the_clock() -> None:
    with run(orders(pu.tumbling("10s"))) as t:
        t.send("orders", order("a"), at=5_000)
        t.advance("64s")
        assert t.read("counts") == []
        t.advance(datetime.timedelta(seconds=1))
        assert windows(t.read("counts")) == [("a", 0, 10, 1)]


def test_early_results_come_by_the_clock() -> None:
    with run(orders(pu.tumbling("10s", emit=pu.early("5s")))) as t:
        t.send("orders", order("a"), at=1_000)
        t.advance("5s")
        t.send("orders", order("a"), at=2_000)
        t.advance("4s")
        assert [(row["n"], row["final"]) for row in t.read("counts")] == [(1, False)]
        t.finish()
        assert [(row["n"], row["final"]) for row in t.read("counts")] == [(2, True)]


def test_updates_are_given_once_a_look() -> None:
    with run(orders(pu.tumbling("10s", emit="updates"))) as t:
        t.send("orders", [order("a"), order("a")], at=1_000)
        t.send("orders", order("a"), at=2_000)
        assert [row["n"] for row in t.read("counts")] == [3]


def cities() -> pu.App:
    app = pu.App("cities")
    stream = app.topic("orders", key="courier")
    stream.key_by("city").window(pu.tumbling("10s")).agg(n=pu.count(), sum=pu.sum("x")).to("counts")
    return app


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_key_that_changes_on_the_way_loses_nothing(partitions: int) -> None:
    with run(cities(), partitions=partitions) as t:
        for i in range(60):
            value = {"courier": f"c{i % 7}", "city": f"city{i % 4}", "x": i}
            t.send("orders", value, at=i * 100)
        t.finish()
        rows = sorted(t.read("counts"), key=lambda row: str(row["city"]))
        assert [(row["city"], row["n"], row["sum"]) for row in rows] == [
            (f"city{city}", 15, sum(range(city, 60, 4))) for city in range(4)
        ]
        assert t.dead == []
        assert t.late == []


def test_functions_with_states_and_timers_of_the_test_itself_run() -> None:
    seen = []

    def silent(key: str, at: int) -> dict[str, object]:
        return {"courier": key, "silent": at}

    def watch(
        row: dict[str, Any],
        total: pu.State[int] = pu.state(default=0),
        alarm: pu.Timer = pu.timer(silent),
    ) -> dict[str, object]:
        seen.append(row["x"])
        total.set((total.value or 0) + row["x"])
        alarm.set(row["at"] + 10_000)
        return {"courier": row["courier"], "total": total.value}

    app = pu.App("watch")
    app.topic("orders", key="courier", time=pu.event_time("at", unit="ms")).map(watch).to("seen")
    with run(app) as t:
        t.send("orders", order("a", at=1_000, x=1))
        assert t.read("seen") == [{"courier": "a", "total": 1}]
        t.restart()
        t.send("orders", [order("a", at=2_000, x=2), order("b", at=12_001, x=3)])
        assert sorted(t.read("seen"), key=str) == [
            {"courier": "a", "silent": 12_000},
            {"courier": "a", "total": 3},
            {"courier": "b", "total": 3},
        ]
    assert seen == [1, 2, 3]


def test_a_dead_letter_shows_what_the_function_raised() -> None:
    def inverse(x: float) -> float:
        return 1 / x

    app = pu.App("inverse")
    app.topic("in").with_columns(inverse=inverse).to("out")
    with run(app) as t:
        t.send("in", [{"x": 2}, {"x": 0}, "no json"], at=5)
        assert t.read("out") == [{"x": 2, "inverse": 0.5}]
        malformed, raised = t.dead
        assert isinstance(raised, DeadLetter)
        assert (raised.value, raised.time, raised.exception) == ({"x": 0}, 5, "ZeroDivisionError")
        assert "return 1 / x" in raised.traceback
        assert malformed.value == b"no json"
        assert len(t.dead) == 2
        assert t.read("inverse.dlq") == [b"no json", {"x": 0}]


def test_open_windows_outlive_a_restart() -> None:
    with run(orders(pu.session("10s"))) as t:
        t.send("orders", order("a"), at=1_000)
        t.restart()
        t.send("orders", order("a"), at=2_000)
        t.send("orders", order("b"), at=12_001)
        assert windows(t.read("counts")) == [("a", 1, 2, 2)]


def test_a_crash_loses_no_record_and_counts_none_twice() -> None:
    with run(orders(pu.tumbling("10s", emit="updates"))) as t:
        t.send("orders", order("a"), at=1_000)
        assert [row["n"] for row in t.read("counts")] == [1]
        t.send("orders", order("a"), at=2_000)
        t.crash()
        assert [row["n"] for row in t.read("counts")] == [2]
        t.send("orders", order("a"), at=3_000)
        assert [row["n"] for row in t.read("counts")] == [3]


def test_files_are_topics_named_by_their_paths() -> None:
    app = pu.App("files")
    app.file("in.csv").where(pu.col("x") > 1).to(pu.file("out.jsonl"))
    with run(app) as t:
        t.send("in.csv", [{"x": 1}, {"x": 2}])
        assert t.read("out.jsonl") == [{"x": 2}]
        t.finish()
        t.send("in.csv", {"x": 3})
        assert t.read("out.jsonl") == [{"x": 3}]


def test_keys_values_and_partitions_travel_as_they_are() -> None:
    @dataclass
    class Reading:
        x: int

    app = pu.App("copy")
    app.topic("in").to("out")
    with run(app, partitions=2) as t:
        t.send("in", Reading(1), key="ann", at=1)
        t.send("in", {"x": 2}, key=b"\xff", at=2, partition=1)
        records = sorted(t.records("out"), key=lambda record: record.time)
    assert records == [Record({"x": 1}, "ann", 1), Record({"x": 2}, b"\xff", 2)]


def test_what_a_function_prints_is_seen_by_the_test(capsys: pytest.CaptureFixture[str]) -> None:
    def shout(x: int) -> int:
        print(f"got {x}")  # noqa: T201
        return x

    app = pu.App("shout")
    app.topic("in").with_columns(y=shout).to("out")
    with run(app) as t:
        t.send("in", {"x": 1})
        t.read("out")
    assert capsys.readouterr().out == "got 1\n"


def test_a_function_that_must_not_fail_stops_the_pipeline_with_its_words() -> None:
    def fragile(x: int) -> int:
        message = f"{x} is too much"
        raise ValueError(message)

    app = pu.App("fragile")
    app.topic("in").with_columns(y=pu.call(fragile, on_error="stop")).to("out")
    with run(app) as t:
        t.send("in", {"x": 1})
        with pytest.raises(PipelineError, match="1 is too much"):
            t.read("out")


def test_unknown_topics_and_partitions_are_refused_with_those_that_there_are() -> None:
    with run(orders(pu.tumbling("10s"))) as t:
        with pytest.raises(PipelineError, match='reads no "order"; it reads orders'):
            t.send("order", {})
        with pytest.raises(PipelineError, match=r"writes no 'count'; .*did you mean counts"):
            t.read("count")
        with pytest.raises(PipelineError, match="no partition 1 of 1"):
            t.send("orders", {}, partition=1)
        with pytest.raises(pu.DefinitionError, match="advance='soon' is no duration"):
            t.advance("soon")


def test_an_app_that_cannot_run_says_where() -> None:
    app = pu.App("half")
    app.topic("in")
    with pytest.raises(pu.DefinitionError, match=r"test_testing\.py:\d+"), run(app):
        pass


def test_a_pipeline_works_inside_with_only() -> None:
    pipeline = run(orders(pu.tumbling("10s")))
    with pytest.raises(PipelineError, match="with run"):
        pipeline.read("counts")
    with pipeline:
        pass
    with pytest.raises(PipelineError, match="with run"):
        pipeline.send("orders", {})


def test_nothing_is_left_of_a_test_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*args: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(ZeroDivisionError), run(orders(pu.tumbling("10s"))) as t:
        t.send("orders", order("a"), at=0)
        1 / 0  # noqa: B018
    assert [process.returncode for process in started] == [-9]
    assert list(tmp_path.iterdir()) == []


def test_several_pipelines_run_side_by_side() -> None:
    with run(orders(pu.tumbling("10s"))) as one, run(orders(pu.tumbling("5s"))) as other:
        for t in (one, other):
            t.send("orders", order("a"), at=6_000)
            t.finish()
        assert windows(one.read("counts")) == [("a", 0, 10, 1)]
        assert windows(other.read("counts")) == [("a", 5, 10, 1)]


def test_the_program_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYUDF_BIN", "/nowhere/pyudf")
    with pytest.raises(PipelineError, match="PYUDF_BIN=/nowhere/pyudf is no program"):
        _harness.find_program()


def test_without_a_program_the_message_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PYUDF_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(_harness, "__file__", str(tmp_path / "a" / "b" / "c" / "d.py"))
    with pytest.raises(PipelineError, match="make build"):
        _harness.find_program()
    beside = tmp_path / "pyudf"
    beside.write_text("")
    beside.chmod(0o755)
    assert _harness.find_program() == str(beside)


def test_a_program_that_cannot_start_leaves_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = LocalWorker(orders(pu.tumbling("10s")))
    try:
        with pytest.raises(PipelineError, match="--partitions 0: write 1 or more"):
            _harness.Harness(worker.socket, partitions=0, now=0)
    finally:
        worker.close()
    with pytest.raises(PipelineError, match="no worker listens at"):
        _harness.Harness(worker.socket, partitions=1, now=0)


def test_every_order_of_arrival_gives_one_result() -> None:
    app = pu.App("delivery")
    time = pu.event_time("at", unit="ms", out_of_order="1m")
    stream = app.topic("orders", key="courier", time=time)
    stream.window(pu.session("10s")).agg(n=pu.count(), all=pu.collect("x")).to("counts")
    events = [order("a", at=second * 1_000, x=second) for second in (0, 8, 16, 40)]
    with run(app) as t:
        for number, arrival in enumerate(itertools.permutations(events)):
            t.send("orders", [event | {"courier": f"c{number}"} for event in arrival])
        t.finish()
        rows = t.read("counts")
    assert len(rows) == 2 * 24
    assert {tuple(row["all"]) for row in rows} == {(0, 8, 16), (40,)}
