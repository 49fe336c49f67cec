"""Functions that keep something for each key, and what their timers call."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from group_harness import (
    HERE,
    grouped,
    over_columns,
    over_records,
    run,
    states_of,
    taken_of,
    timers_of,
    without_rows,
)
from hypothesis import given
from hypothesis import strategies as st
from worker_harness import emitted, errors, values, worker

import pyudf as pu
from pyudf._custom import derive_custom
from pyudf.functions import Function
from pyudf.schema import Fields
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2


def packed(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


def unpacked(response: worker_pb2.RunResponse, state: int = 0) -> list[Any]:
    """Return the values of a state, None where a group has none."""
    found = states_of(response)[state]
    return [None if data is None else msgspec.msgpack.decode(data) for data in found]


def texts(*rows: Any) -> list[str]:
    return [json.dumps(row) for row in rows]


def delta(v: float, last: pu.State[float]) -> float:
    before = last.get(v)
    last.set(v)
    return v - before


def count(row: dict[str, Any], n: pu.State[int] = pu.state(default=0)) -> dict[str, Any]:
    if row.get("bad"):
        n.set(99)
        raise ValueError(row["bad"])
    n.set((n.value or 0) + 1)
    return {"n": n.value}


DELTA, COUNT = pu.define(delta), pu.define(count)


def test_each_group_sees_its_own_state_and_what_its_rows_before_left() -> None:
    request = over_columns(
        DELTA, [2, 0, 1], [1.0, 4.0, 7.0], states=[[None, packed(9.0), packed(5.0)]]
    )
    response = run(DELTA, request)
    assert values(response, FieldType.FLOAT64) == [0.0, 3.0, 2.0]
    assert unpacked(response) == [4.0, 9.0, 7.0]
    assert not response.errors


def test_a_worker_serves_keyed_functions() -> None:
    with worker(COUNT) as engine:
        (response,) = engine.run(over_records(COUNT, [2], *texts({}, {}), states=[[packed(3)]]))
    assert emitted(response) == [(0, '{"n":4}'), (1, '{"n":5}')]
    assert unpacked(response) == [5]


def test_u1_a_row_that_raises_leaves_the_state_as_it_was() -> None:
    request = over_records(COUNT, [4], *texts({}, {"bad": "no"}, {}, {}), states=[[None]])
    response = run(COUNT, request)
    assert errors(response) == {1: ("ValueError", "no")}
    assert emitted(response) == [(0, '{"n":1}'), (2, '{"n":2}'), (3, '{"n":3}')]
    assert unpacked(response) == [3]


@dataclass
class Visits:
    pages: list[str] = field(default_factory=list)


def visit(row: dict[str, Any], seen: pu.State[Visits]) -> dict[str, Any]:
    visits = seen.get() or Visits()
    visits.pages.append(row["page"])
    if row["page"] == "bad":
        raise ValueError
    if not seen.exists:
        seen.set(visits)
    return {"pages": len(visits.pages)}


def test_what_is_changed_in_place_is_kept_unless_its_row_raises() -> None:
    function = pu.define(visit)
    pages = [{"page": page} for page in ("a", "bad", "b", "c")]
    response = run(function, over_records(function, [4], *texts(*pages), states=[[None]]))
    assert list(errors(response)) == [1]
    assert unpacked(response) == [{"pages": ["a", "b", "c"]}]
    assert emitted(response)[-1] == (3, '{"pages":3}')


def test_bytes_of_a_state_that_nobody_reads_come_back_as_they_are() -> None:
    def ignore(row: dict[str, Any], last: pu.State[Visits]) -> dict[str, Any]:
        return row

    function = pu.define(ignore)
    response = run(function, over_records(function, [1, 1], "{}", "{}", states=[[b"\xc1", None]]))
    assert states_of(response) == [[b"\xc1", None]]
    assert not response.errors


def test_a_state_that_cannot_be_read_fails_the_rows_that_read_it() -> None:
    response = run(DELTA, over_columns(DELTA, [2], [1.0, 2.0], states=[[packed("text")]]))
    assert set(errors(response)) == {0, 1}
    assert "state last of delta: Expected `float`, got `str`" in response.errors[0].message
    assert states_of(response) == [[packed("text")]]


def test_a_state_can_be_cleared() -> None:
    def forget(row: dict[str, Any], last: pu.State[int]) -> dict[str, Any]:
        last.clear()
        return {"exists": last.exists}

    function = pu.define(forget)
    response = run(function, over_records(function, [2], "{}", "{}", states=[[packed(1)]]))
    assert states_of(response) == [[None]]
    assert emitted(response)[0] == (0, '{"exists":false}')


def test_a_value_of_the_wrong_type_fails_the_row_that_sets_it() -> None:
    def wrong(row: dict[str, Any], last: pu.State[float], n: pu.State[int]) -> dict[str, Any]:
        n.set(row["n"])
        last.set(row["v"])
        return row

    function = pu.define(wrong)
    rows = texts({"v": 1.0, "n": 1}, {"v": "x", "n": 2}, {"v": 3.0, "n": "y"})
    response = run(function, over_records(function, [3], *rows, states=[[None], [None]]))
    assert {row: kind for row, (kind, _) in errors(response).items()} == dict.fromkeys(
        (1, 2), "TypeError"
    )
    assert [unpacked(response, 0), unpacked(response, 1)] == [[1.0], [1]]


def test_a_result_of_the_wrong_type_leaves_the_state_as_it_was() -> None:
    def wrong(v: float, n: pu.State[int]) -> int:
        n.set((n.get() or 0) + 1)
        return "text" if v > 1 else 2  # type: ignore[return-value]

    function = pu.define(wrong)
    response = run(function, over_columns(function, [3], [0.0, 5.0, 1.0], states=[[None]]))
    assert list(errors(response)) == [1]
    assert unpacked(response) == [2]


def test_a_row_that_cannot_be_read_leaves_the_state_as_it_was() -> None:
    response = run(COUNT, over_records(COUNT, [3], "{}", "nonsense", "{}", states=[[None]]))
    assert list(errors(response)) == [1]
    assert unpacked(response) == [2]


def test_what_a_row_sees_is_what_would_come_back_from_the_store() -> None:
    seen = []

    def remember(row: dict[str, Any], last: pu.State) -> dict[str, Any]:  # type: ignore[type-arg]
        seen.append(last.value)
        last.set((1, 2))
        return row

    function = pu.define(remember)
    run(function, over_records(function, [3], "{}", "{}", "{}", states=[[packed([1, 2])]]))
    assert seen == [[1, 2]] * 3


def late(key: str, at: int, n: pu.State[int]) -> dict[str, Any] | None:
    n.set(0)
    return {"key": key, "at": at, "n": n.value}


def watch(
    row: dict[str, Any],
    n: pu.State[int],
    alarm: pu.Timer = pu.timer(late),
) -> Iterator[dict[str, Any]]:
    n.set((n.get() or 0) + 1)
    alarm.set(row["ts"] + 10)
    if row.get("stop"):
        alarm.cancel()
    if row.get("bad"):
        raise ValueError
    yield row


WATCH = pu.define(watch)
LATE = WATCH.timers[0].callback


def watched(*rows: dict[str, Any], timer: int | None = None) -> worker_pb2.RunResponse:
    return run(
        WATCH,
        over_records(
            WATCH,
            [len(rows)],
            *texts(*rows),
            states=[[None]],
            timers=[[timer]],
            times=range(len(rows)),
        ),
    )


def test_timers_are_what_the_last_row_left_that_did_not_raise() -> None:
    assert timers_of(watched(timer=5)) == [[5]]
    assert timers_of(watched({"ts": 1}, {"ts": 2})) == [[12]]
    assert timers_of(watched({"ts": 1}, {"ts": 2, "bad": 1})) == [[11]]
    assert timers_of(watched({"ts": 1}, {"ts": 2, "stop": 1})) == [[None]]


def test_a_group_takes_its_rows_up_to_one_for_which_a_timer_is_due() -> None:
    def answer(*rows: dict[str, Any] | str, sizes: list[int], watermarks: list[int]) -> Any:
        sent = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        request = over_records(
            WATCH,
            sizes,
            *sent,
            states=[[None] * len(sizes)],
            timers=[[None] * len(sizes)],
            times=[0] * len(rows),
            watermarks=watermarks,
        )
        return run(WATCH, request)

    rows = [{"ts": ts} for ts in (0, 1, 2, 3)]
    whole = answer(*rows, sizes=[4], watermarks=[100, 9, 10, 11])
    assert taken_of(whole) == ()
    assert timers_of(whole) == [[13]]
    cut = answer(*rows, "nonsense", *rows, sizes=[5, 0, 4], watermarks=[-5] * 3 + [12] * 6)
    assert taken_of(cut) == (3, 0, 1)
    assert emitted(cut) == [(0, '{"ts":0}'), (1, '{"ts":1}'), (2, '{"ts":2}'), (5, '{"ts":0}')]
    assert not cut.errors
    assert timers_of(cut) == [[12, None, 10]]
    assert unpacked(cut) == [3, None, 1]
    failed = answer({"ts": 0}, "nonsense", {"ts": 1}, sizes=[3], watermarks=[0, 0, 10])
    assert taken_of(failed) == (2,)
    assert list(errors(failed)) == [1]


def test_a_timer_that_was_set_before_is_due_between_rows_too() -> None:
    request = over_records(
        WATCH,
        [3],
        *texts({"ts": 1, "bad": 1}, {"ts": 2}, {"ts": 3}),
        states=[[None]],
        timers=[[4]],
        times=[0, 0, 0],
        watermarks=[5, 5, 5],
    )
    response = run(WATCH, request)
    assert taken_of(response) == (1,)
    assert list(errors(response)) == [0]
    assert timers_of(response) == [[4]]


def test_a_timer_that_fits_no_clock_fails_its_row() -> None:
    response = watched({"ts": 1}, {"ts": 2**70})
    assert errors(response)[1][0] == "OverflowError"
    assert timers_of(response) == [[11]]
    assert unpacked(response) == [1]


def test_a_callback_gets_key_moment_and_states() -> None:
    request = worker_pb2.RunRequest(
        function=LATE.id,
        rows=2,
        groups=grouped([1, 1], keys=["a", "b"], states=[[packed(4), None]], times=[50, 60]),
    )
    response = run(LATE, request)
    assert emitted(response) == [
        (0, '{"key":"a","at":50,"n":0}'),
        (1, '{"key":"b","at":60,"n":0}'),
    ]
    assert unpacked(response) == [0, 0]
    assert timers_of(response) == []


def test_a_callback_that_raises_fails_its_group_only() -> None:
    def ring(key: str) -> dict[str, Any]:
        return {"n": 1 / len(key)}

    def silent(row: dict[str, Any], alarm: pu.Timer = pu.timer(ring)) -> dict[str, Any]:
        return row

    callback = pu.define(silent).timers[0].callback
    groups = grouped([1, 1], keys=["a", ""], times=[1, 2])
    response = run(callback, worker_pb2.RunRequest(function=callback.id, rows=2, groups=groups))
    assert emitted(response) == [(0, '{"n":1.0}')]
    assert errors(response) == {1: ("ZeroDivisionError", "division by zero")}


class Shift:
    def assign(self, ts: int, row: dict[str, Any]) -> tuple[int, int]:
        return ts, ts + row["hours"]


def test_a_custom_window_is_assigned_by_the_event_time_of_each_row() -> None:
    assign = derive_custom(pu.custom(Shift()), Fields(), HERE).assign
    rows = texts({"hours": 5}, {}, {"hours": 1})
    for sizes in ([2, 1], [1, 1, 1]):
        request = over_records(assign, sizes, *rows, times=[10, 20, 30])
        request.groups.keys.CopyFrom(worker_pb2.Records(offsets=bytes(4 * (len(sizes) + 1))))
        response = run(assign, request)
        assert values(response, FieldType.JSON) == ["[[10,15]]", None, "[[30,31]]"]
        assert list(errors(response)) == [1]
        assert not response.states
        assert not response.timers


class Slots:
    """Every hour, by the length that a record says: hours where it says none."""

    def assign(self, ts: int, minutes: int | None, kind: str) -> list[tuple[int, int]]:
        length = (minutes or 60) * 60_000
        start = ts // length * length
        return [] if kind == "test" else [(start, start + length), (start, start + 2 * length)]


def test_a_custom_window_may_take_fields_in_place_of_the_record() -> None:
    assign = derive_custom(pu.custom(Slots), Fields(), HERE).assign
    request = over_columns(
        assign,
        [1, 1, 1],
        [None, 1, 5],
        ["a", "b", "test"],
        times=[3_600_001, 60_000, 5],
    )
    assert values(run(assign, request), FieldType.JSON) == [
        "[[3600000,7200000],[3600000,10800000]]",
        "[[60000,120000],[60000,180000]]",
        "[]",
    ]


def test_a_datetime_sets_a_timer() -> None:
    def set_alarm(row: dict[str, Any], alarm: pu.Timer = pu.timer(late_key)) -> dict[str, Any]:
        alarm.set(datetime.datetime.fromisoformat(row["at"]))
        return row

    function = pu.define(set_alarm)
    rows = texts({"at": "1970-01-01T00:00:01+00:00"})
    response = run(function, over_records(function, [1], *rows, timers=[[None]], times=[0]))
    assert timers_of(response) == [[1000]]


def late_key(key: str) -> dict[str, Any]:
    return {"key": key}


def test_groups_that_do_not_fit_are_a_broken_protocol() -> None:
    good = over_columns(DELTA, [1], [1.0], states=[[None]])
    with worker(DELTA) as engine:
        assert engine.run(good)
    for spoil in ("groups", "offsets", "states"):
        request = worker_pb2.RunRequest()
        request.CopyFrom(good)
        if spoil == "offsets":
            request.groups.offsets = b"\0\0\0\0\2\0\0\0"
        elif spoil == "states":
            del request.groups.states[:]
        else:
            request.ClearField("groups")
        with worker(DELTA) as engine, pytest.raises(Exception, match="cannot be read"):
            engine.run(request)


def test_groups_without_rows_keep_what_they_have() -> None:
    response = run(DELTA, without_rows(DELTA, 2, states=[[packed(1.0), None]]))
    assert unpacked(response) == [1.0, None]


def history(v: float, past: pu.State[list[float]]) -> list[float]:
    """Keep what came so far, and raise for some values after having changed it."""
    found = past.get() or []
    found.append(v)
    past.set(found)
    if v < 0:
        raise ValueError
    return found


HISTORY = pu.define(history)
Rows = list[tuple[int, float]]


def in_pieces(function: Function, rows: Rows, cuts: list[int]) -> tuple[list[Any], dict[int, Any]]:
    """Run rows of some keys in pieces, each grouped by key; return results and states."""
    states: dict[int, bytes | None] = {}
    results: list[Any] = [None] * len(rows)
    ends = sorted({min(cut, len(rows)) for cut in cuts} | {0, len(rows)})
    for start, end in pairwise(ends):
        piece = sorted(range(start, end), key=lambda row: rows[row][0])
        keys = sorted({rows[row][0] for row in piece})
        sizes = [sum(rows[row][0] == key for row in piece) for key in keys]
        request = over_columns(
            function,
            sizes,
            [rows[row][1] for row in piece],
            keys=keys,
            states=[[states.get(key) for key in keys]],
        )
        response = run(function, request)
        for row, value in zip(piece, values(response, FieldType.STRING), strict=True):
            results[row] = value
        for error in response.errors:
            results[piece[error.row]] = error.exception
        states |= dict(zip(keys, states_of(response)[0], strict=True))
    return results, states


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1.0, 2.5, -1.0, 4.0])), max_size=30),
    st.lists(st.integers(0, 30), max_size=6),
)
def test_results_and_states_do_not_depend_on_how_rows_travel(rows: Rows, cuts: list[int]) -> None:
    kept: dict[int, list[float]] = {}
    expected = []
    for key, value in rows:
        if value < 0:
            expected.append("ValueError")
            continue
        kept.setdefault(key, []).append(value)
        expected.append(json.dumps(kept[key], separators=(",", ":")))
    results, states = in_pieces(HISTORY, rows, cuts)
    assert results == expected
    assert {key: msgspec.msgpack.decode(data) for key, data in states.items() if data} == kept
