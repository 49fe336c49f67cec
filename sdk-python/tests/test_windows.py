"""Windows in the plan, and those that are refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf import text_format

import pyudf as pu
from pyudf.plan.v1 import plan_pb2
from pyudf.types import FieldType

KNOWN = {"courier": str, "action": str, "gap": int, "amount": float, "done": bool}


def orders(schema: Any = KNOWN, key: str | None = "courier") -> pu.Stream:
    return pu.App("food").topic("orders", key=key, schema=schema)


def wrong(value: object) -> Any:
    """Give a value that the type checker would refuse."""
    return value


def aggregate_of(window: Any) -> plan_pb2.Aggregate:
    app = pu.App("food")
    stream = app.topic("orders", key="courier", schema=KNOWN)
    stream.window(window).agg(n=pu.count()).to("out")
    return app.plan().steps[0].aggregate


GLOBAL = text_format.Parse("global {}", plan_pb2.Window())


def window(grace_ms: int = 0, **kind: Any) -> plan_pb2.Window:
    return plan_pb2.Window(grace_ms=grace_ms, **kind)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (pu.tumbling("10s"), window(tumbling={"size_ms": 10_000})),
        (
            pu.tumbling("1d", offset="5h", grace="1m"),
            window(60_000, tumbling={"size_ms": 86_400_000, "offset_ms": 18_000_000}),
        ),
        (
            pu.tumbling(timedelta(hours=1), offset=timedelta(minutes=-30)),
            window(tumbling={"size_ms": 3_600_000, "offset_ms": -1_800_000}),
        ),
        (
            pu.hopping("10s", "5s", offset="1s", grace="2s"),
            window(2000, hopping={"size_ms": 10_000, "every_ms": 5000, "offset_ms": 1000}),
        ),
        (pu.hopping("10s", "10s"), window(hopping={"size_ms": 10_000, "every_ms": 10_000})),
        (pu.sliding("24h", grace="1s"), window(1000, sliding={"length_ms": 86_400_000})),
        (pu.count(100), window(count={"size": 100, "every": 100})),
        (pu.count(100, every=10), window(count={"size": 100, "every": 10})),
        (pu.session("45m"), window(session={"gap_ms": 2_700_000, "min_events": 1})),
        (pu.session("0s"), window(session={"gap_ms": 0, "min_events": 1})),
        (
            pu.session(
                gap_by="gap",
                min_events=2,
                max_duration="12h",
                close_on=pu.col("done"),
                grace="5s",
            ),
            window(
                5000,
                session={
                    "gap_by": "gap",
                    "min_events": 2,
                    "max_duration_ms": 43_200_000,
                    "close_on": {"column": "done"},
                },
            ),
        ),
        (pu.global_(), GLOBAL),
    ],
)
def test_a_window_is_in_the_plan_as_it_was_written(made: Any, expected: plan_pb2.Window) -> None:
    assert aggregate_of(made).window == expected


@pytest.mark.parametrize(
    ("emit", "mode", "every_ms"),
    [
        ("final", plan_pb2.EMIT_MODE_FINAL, 0),
        ("updates", plan_pb2.EMIT_MODE_UPDATES, 0),
        (pu.early("5s"), plan_pb2.EMIT_MODE_EARLY, 5000),
        ("on_time+late", plan_pb2.EMIT_MODE_ON_TIME_AND_LATE, 0),
    ],
)
@pytest.mark.parametrize(
    "make",
    [
        lambda emit: pu.tumbling("10s", emit=emit),
        lambda emit: pu.hopping("10s", "5s", emit=emit),
        lambda emit: pu.sliding("10s", emit=emit),
        lambda emit: pu.session("10s", emit=emit),
    ],
)
def test_a_window_says_when_its_results_are_told(
    make: Callable[[Any], Any], emit: Any, mode: plan_pb2.EmitMode, every_ms: int
) -> None:
    assert aggregate_of(make(emit)).emit == plan_pb2.Emit(mode=mode, every_ms=every_ms)


def test_late_records_have_a_topic_always() -> None:
    for made in (pu.tumbling("10s"), pu.count(5), pu.global_()):
        assert aggregate_of(made).late == plan_pb2.Topic(
            name="food.late", format=plan_pb2.FORMAT_JSON
        )
    assert aggregate_of(pu.session("45m", late="orders_late")).late.name == "orders_late"


def test_windows_may_share_a_topic_for_late_records() -> None:
    app = pu.App("food")
    stream = app.topic("orders", key="courier")
    for name in ("a", "b"):
        stream.window(pu.tumbling("10s", late="too_late")).agg(n=pu.count()).to(name)
    late = [s.aggregate.late.name for s in app.plan().steps if s.HasField("aggregate")]
    assert late == ["too_late", "too_late"]


@pytest.mark.parametrize(
    ("late", "sentence"),
    [
        ("orders", "topic 'orders' is read by this app, at .*; writing to it would feed"),
        ("out", "topic 'out' is already written, at .*; give each stream a place of its own"),
        ("food.dlq", "topic 'food.dlq' takes this app's dead letters; write to another topic"),
    ],
)
def test_late_records_never_share_a_topic_with_others(late: str, sentence: str) -> None:
    stream = orders()
    stream.to("out")
    with pytest.raises(pu.DefinitionError, match=sentence) as raised:
        stream.window(pu.tumbling("10s", late=late)).agg(n=pu.count())
    assert raised.value.origin.file == __file__


def test_nothing_else_goes_to_a_topic_of_late_records() -> None:
    app = pu.App("food")
    stream = app.topic("orders", key="courier")
    stream.window(pu.tumbling("10s", late="too_late")).agg(n=pu.count())
    with pytest.raises(pu.DefinitionError, match="'too_late' takes the records that came late for"):
        stream.to("too_late")
    with pytest.raises(pu.DefinitionError, match=r"'food\.late' is for records that come too late"):
        stream.to("food.late")
    with pytest.raises(pu.DefinitionError, match="'too_late' is written by this app"):
        app.topic("too_late")


ROUND = ["courier", "window_start", "window_end"]


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (pu.tumbling("10s"), [*ROUND, "n"]),
        (pu.count(5), [*ROUND, "n"]),
        (pu.global_(), ["courier", "n"]),
        (pu.global_(emit="updates"), ["courier", "rev", "final", "n"]),
        (pu.session("45m", emit=pu.early("5s")), [*ROUND, "rev", "final", "n"]),
    ],
)
def test_a_result_has_the_key_the_window_and_the_aggregates(made: Any, names: list[str]) -> None:
    fields = orders().window(made).agg(n=pu.count()).fields
    assert list(fields.types) == names
    assert fields.closed
    kinds = {"courier": FieldType.STRING, "final": FieldType.BOOL}
    assert all(t is kinds.get(n, FieldType.INT64) for n, t in fields.types.items())


def test_a_result_has_all_fields_of_the_key_also_those_that_were_dropped() -> None:
    stream = orders().key_by("courier", "action").select("amount")
    fields = stream.window(pu.tumbling("10s")).agg(n=pu.count()).fields
    assert list(fields.types) == ["courier", "action", "window_start", "window_end", "n"]


def test_the_records_own_key_gives_no_field() -> None:
    fields = orders(key=None).window(pu.tumbling("10s")).agg(n=pu.count()).fields
    assert list(fields.types) == ["window_start", "window_end", "n"]


def test_a_result_goes_on_with_the_same_key() -> None:
    result = orders().window(pu.tumbling("10s")).agg(n=pu.count())
    hourly = result.window(pu.tumbling("1h")).agg(most=pu.max("n")).fields
    assert list(hourly.types) == [*ROUND, "most"]


def test_columns_have_their_position() -> None:
    app = pu.App("food")
    windowed = app.topic("orders", key="courier").window(pu.tumbling("10s"))
    windowed.agg(n=pu.count()).to("out")
    plan = app.plan()
    assert plan.steps[0].defined_at.line == plan.sources[0].defined_at.line + 1
    assert repr(windowed) == "<Windowed orders of app 'food'>"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: pu.tumbling("10"), "size='10' is no duration; write a number and one of ms, s, m"),
        (lambda: pu.tumbling("0s"), "size='0s' is too short; write at least 1 ms"),
        (lambda: pu.tumbling(wrong(10)), "size=10 is no duration"),
        (lambda: pu.tumbling("10s", grace="soon"), "grace='soon' is no duration"),
        (lambda: pu.tumbling("10s", offset="?"), r"offset='\?' is no duration"),
        (lambda: pu.tumbling("10s", late="a b"), "late topic 'a b' is no valid topic name"),
        (
            lambda: pu.tumbling("10s", emit=wrong("late")),
            r'emit=\'late\'; possible are "final", "updates", pu.early\("5s"\) and "on_time\+late"',
        ),
        (lambda: pu.tumbling("10s", emit=wrong(["final"])), "possible are"),
        (lambda: pu.hopping("10s", "20s"), "would leave records out between two windows; every is"),
        (lambda: pu.hopping("10s", "0s"), "every='0s' is too short"),
        (lambda: pu.sliding("0s"), "length='0s' is too short"),
        (lambda: pu.count(0), "count=0; write a whole number from 1"),
        (lambda: pu.count(True), "count=True; write a whole number"),
        (lambda: pu.count(5, every=6), r"count\(5, every=6\) would leave records out; every is at"),
        (lambda: pu.count(5, emit="on_time+late"), r"count\(\) windows have no end in event time"),
        (lambda: pu.count(5, emit=wrong("x")), "emit='x'; possible are"),
        (lambda: wrong(pu.count)(5, grace="5s"), "follow the order of arrival, so nothing is late"),
        (lambda: wrong(pu.count)(5, late="x"), "follow the order of arrival, so nothing is late"),
        (lambda: wrong(pu.count)("x", every=5), "has the options of a window, but no number of"),
        (pu.session, "takes one of gap and gap_by"),
        (lambda: pu.session("5s", gap_by="gap"), "takes one of gap and gap_by"),
        (lambda: pu.session(gap_by=wrong(3)), "gap_by=3; write the name of a field"),
        (lambda: pu.session("5s", min_events=0), "min_events=0; write a whole number from 1"),
        (lambda: pu.session("5s", max_duration="0s"), "max_duration='0s' is too short"),
        (lambda: pu.session("5s", close_on=wrong("x")), "close_on='x'; write a condition such as"),
        (lambda: pu.global_(emit="on_time+late"), r"global_\(\) windows have no end in event time"),
        (lambda: pu.early("never"), "early='never' is no duration"),
        (
            lambda: orders().window(wrong("10s")),
            r"window\(\) takes pu.tumbling\(\"10s\"\), .* not '10s'",
        ),
        (
            lambda: orders().window(wrong(pu.count())),
            r"window\(\) takes pu.tumbling",
        ),
        (
            lambda: orders().window(pu.session(gap_by="gab")),
            "gap_by: there is no field 'gab'; .*did you mean gap",
        ),
        (
            lambda: orders().window(pu.session(gap_by="action")),
            "gap_by: field 'action' is string; it takes a number of ms",
        ),
        (
            lambda: orders().window(pu.session("5s", close_on=pu.col("amount") + 1)),
            r"close_on takes a condition, \(col\('amount'\) \+ 1\) is float64",
        ),
        (
            lambda: orders().window(pu.session("5s", close_on=pu.col("x"))),
            "close_on: there is no field 'x'",
        ),
        (lambda: orders().window(pu.tumbling("5s")).agg(), r"agg\(\) needs at least one name="),
        (
            lambda: orders().window(pu.tumbling("5s")).agg(courier=pu.count()),
            r"agg\(courier=...\): the result has a field 'courier' already; rename it",
        ),
        (
            lambda: orders().window(pu.tumbling("5s")).agg(window_end=pu.count()),
            "the result has a field 'window_end' already",
        ),
        (
            lambda: orders().window(pu.tumbling("5s", emit="updates")).agg(rev=pu.count()),
            "the result has a field 'rev' already",
        ),
        (
            lambda: orders().window(pu.tumbling("5s")).agg(n=wrong(pu.count(5))),
            r"agg\(n=...\) counts with pu.count\(\), without a number",
        ),
        (
            lambda: orders().window(pu.tumbling("5s")).agg(n=wrong("amount")),
            r"agg\(n='amount'\); write an aggregate such as pu.mean\(...\), a function",
        ),
    ],
)
def test_an_impossible_window_is_refused_where_it_stands(
    make: Callable[[], object], sentence: str
) -> None:
    with pytest.raises(pu.DefinitionError, match=sentence) as raised:
        make()
    assert raised.value.origin.file == __file__
