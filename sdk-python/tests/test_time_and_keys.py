"""When records happened, and what they are keyed by."""

from datetime import timedelta
from typing import Any

import pytest

import pyudf as pu
from pyudf.plan.v1 import plan_pb2
from pyudf.types import FieldType


def the_time(time: Any) -> plan_pb2.EventTime:
    app = pu.App("test")
    app.topic("weather", time=time).to("out")
    return app.plan().sources[0].time


def wrong(value: object) -> Any:
    """Give a value that the type checker would refuse."""
    return value


def region_of(lat: float, lon: float) -> str:
    return f"{lat // 10},{lon // 10}"


def rows(row: dict[str, Any]) -> dict[str, Any]:
    return row


@pytest.mark.parametrize(
    ("time", "field", "unit", "out_of_order", "idle", "max_future"),
    [
        (None, "", "AUTO", 0, 60_000, 86_400_000),
        ("ts", "ts", "AUTO", 0, 60_000, 86_400_000),
        (pu.event_time("ts", unit="s", out_of_order="5s"), "ts", "S", 5000, 60_000, 86_400_000),
        (pu.event_time("ts", unit="iso", idle=None, max_future=None), "ts", "ISO", 0, 0, 0),
        (pu.event_time(None, out_of_order=timedelta(minutes=1)), "", "AUTO", 60_000, 60_000, None),
    ],
)
def test_every_source_says_when_its_records_happened(
    time: Any, field: str, unit: str, out_of_order: int, idle: int, max_future: int | None
) -> None:
    assert the_time(time) == plan_pb2.EventTime(
        field=field,
        unit=f"TIME_UNIT_{unit}",
        out_of_order_ms=out_of_order,
        idle_ms=idle,
        max_future_ms=86_400_000 if max_future is None else max_future,
    )


def test_a_file_has_an_event_time_too() -> None:
    app = pu.App("test")
    app.file("w.csv", time=pu.event_time("at", unit="ms")).to("out")
    time = app.plan().sources[0].time
    assert (time.field, time.unit) == ("at", plan_pb2.TIME_UNIT_MS)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: pu.event_time(wrong(3)), r"event_time\(3\); write the name of a field, or None"),
        (lambda: pu.event_time(""), "write the name of a field, or None for the timestamp"),
        (
            lambda: pu.event_time("ts", unit=wrong("min")),
            'unit=\'min\'; possible are "ms", "s", "us", "ns", "iso"',
        ),
        (lambda: pu.event_time(None, unit="s"), "unit='s' without a field; a record's timestamp"),
        (
            lambda: pu.event_time("ts", out_of_order="5 seconds"),
            "out_of_order='5 seconds' is no duration; write a number and one of ms, s, m, h, d, w",
        ),
        (lambda: pu.event_time("ts", out_of_order=wrong(5)), "out_of_order=5 is no duration"),
        (lambda: pu.event_time("ts", idle="0s"), "idle='0s' is too short; write at least 1 ms"),
        (lambda: pu.event_time("ts", idle="9999999d"), "idle='9999999d' is no duration"),
        (
            lambda: pu.event_time("ts", out_of_order=timedelta(seconds=-1)),
            "is too short; write at least 0 ms",
        ),
        (
            lambda: pu.event_time("ts", idle=timedelta(microseconds=1)),
            "a timedelta of whole milliseconds",
        ),
        (
            lambda: pu.App("t").topic("w", time=pu.event_time("at"), schema={"a": int}),
            "topic 'w': time='at': there is no field 'at'; known fields: a",
        ),
        (lambda: pu.App("t").topic("w", time=wrong(3)), "time=3; write the name of a field"),
    ],
)
def test_an_impossible_event_time_is_refused_where_it_stands(make: Any, sentence: str) -> None:
    with pytest.raises(pu.DefinitionError, match=sentence) as raised:
        make()
    assert raised.value.origin.file == __file__


KNOWN = {"courier": str, "city": str, "x": int, "lat": float, "lon": float}


def steps_of(*keys: Any, **named: Any) -> list[plan_pb2.Step]:
    app = pu.App("test")
    app.topic("orders", schema=KNOWN).key_by(*keys, **named).to("out")
    return list(app.plan().steps)[:-1]


@pytest.mark.parametrize(
    ("keys", "named", "computed", "fields"),
    [
        (["courier"], {}, [], ["courier"]),
        (["city", "courier"], {}, [], ["city", "courier"]),
        ([pu.col("city")], {}, [], ["city"]),
        ([], {"city": pu.col("city")}, [], ["city"]),
        ([], {"zone": pu.col("x") // 10}, ["zone"], ["zone"]),
        ([region_of], {}, ["region_of"], ["region_of"]),
        ([], {"region": region_of}, ["region"], ["region"]),
        ([pu.call(region_of, lat="x")], {}, ["region_of"], ["region_of"]),
        (["city"], {"zone": pu.col("x") // 10}, ["zone"], ["city", "zone"]),
    ],
)
def test_a_key_is_fields_and_what_is_computed_for_it(
    keys: list[Any], named: dict[str, Any], computed: list[str], fields: list[str]
) -> None:
    *before, step = steps_of(*keys, **named)
    assert list(step.key_by.fields) == fields
    assert [c.name for s in before for c in s.with_columns.columns] == computed


def test_the_key_stays_known_with_its_type_while_fields_come_and_go() -> None:
    stream = pu.App("t").topic("orders", schema=KNOWN).key_by("courier").drop("courier").map(rows)
    assert stream.key is not None
    assert dict(stream.key.types) == {"courier": FieldType.STRING}
    keyed = pu.App("t").topic("orders", key="courier")
    assert keyed.key is not None
    assert dict(keyed.key.types) == {"courier": None}
    assert pu.App("t").topic("orders").key is None


@pytest.mark.parametrize(
    ("keys", "named", "sentence"),
    [
        ([], {}, r"key_by\(\) needs at least one name of a field"),
        (["curier"], {}, r"key_by\(\): there is no field 'curier'; .*did you mean courier"),
        (["city", "city"], {}, r"key_by\(\) names the field 'city' twice"),
        (["city"], {"city": region_of}, r"key_by\(\) names the field 'city' twice"),
        ([""], {}, r"key_by\(\) takes names of fields, not ''"),
        ([3], {}, r"key_by\(\) takes names of fields, expressions and functions, not 3"),
        (
            [pu.col("x") // 10],
            {},
            r"has no name for its field; write key_by\(name=\(col\('x'\) // 10\)\)",
        ),
        ([], {"zone": "city"}, r'write key_by\("city"\), or key_by\(zone=pu.col\("city"\)\)'),
        ([], {"zone": 3}, r"key_by\(zone=3\); write an expression or a function"),
        ([rows], {}, "column 'rows': rows returns records, not one value a record"),
        ([], {"zone": pu.col("city") // 10}, "column 'zone': .* takes numbers"),
    ],
)
def test_an_impossible_key_is_refused_where_it_stands(
    keys: list[Any], named: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(pu.DefinitionError, match=sentence) as raised:
        steps_of(*keys, **named)
    assert raised.value.origin.file == __file__


def test_the_decorator_keys_before_the_function() -> None:
    app = pu.App("test")

    @app.udf(app.topic("orders"), to="out", key="courier")
    def same(row: dict[str, Any]) -> dict[str, Any]:
        return row

    key_by, mapped, _ = app.plan().steps
    assert list(key_by.key_by.fields) == ["courier"]
    assert mapped.input == key_by.id
