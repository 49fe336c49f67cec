"""Streams: each step checks its names and types where it stands, and changes nothing before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd
import pytest

import pyudf as pu
from pyudf.types import FieldType


class Slim(TypedDict):
    station: str
    hot: bool


@dataclass
class Reading:
    station: str


def wrong(value: object) -> Any:
    """Give a value that the type checker would refuse."""
    return value


def heat(temp_f: float, rh: float) -> float:
    return temp_f + rh


def slim(row: dict[str, Any]) -> Slim | None:
    return None


def lines(row: dict[str, Any]) -> Iterator[Slim]:
    yield {"station": "JFK", "hot": True}


def size(row: dict[str, Any]) -> int:
    return len(row)


def whole(df: pd.DataFrame) -> pd.DataFrame:
    return df


def weather(schema: Any = None) -> pu.Stream:
    return pu.App("test").topic("weather", schema=schema)


KNOWN = {"station": str, "temp_f": float, "rh": float | None}


def test_a_step_returns_a_new_stream_and_leaves_the_old_one() -> None:
    before = weather(KNOWN)
    after = before.with_columns(heat_index=heat)
    assert list(before.fields.types) == ["station", "temp_f", "rh"]
    assert list(after.fields.types) == ["station", "temp_f", "rh", "heat_index"]
    assert after.fields.type_of("heat_index") is FieldType.FLOAT64


def test_streams_cannot_be_changed() -> None:
    frozen: Any = weather()
    with pytest.raises(AttributeError):
        frozen.id = "x"


def test_select_and_drop_change_what_is_known() -> None:
    assert list(weather(KNOWN).select("rh", "station").fields.types) == ["rh", "station"]
    assert list(weather(KNOWN).drop("rh").fields.types) == ["station", "temp_f"]
    assert weather().select("rh").fields.closed
    assert not weather().drop("rh").fields.closed


def test_a_record_class_says_what_comes_after_map() -> None:
    after = weather().map(slim)
    assert dict(after.fields.types) == {"station": FieldType.STRING, "hot": FieldType.BOOL}
    with pytest.raises(
        pu.DefinitionError, match=r"there is no field 'hoot'; .* did you mean hot\?"
    ):
        after.where(pu.col("hoot"))


@pytest.mark.parametrize("op", ["where", "with_columns", "select", "drop"])
def test_an_unknown_field_is_refused_with_the_known_ones_and_the_nearest(op: str) -> None:
    stream = weather(KNOWN)
    with pytest.raises(pu.DefinitionError) as raised:
        if op == "where":
            stream.where(pu.col("temp") > 1)
        elif op == "with_columns":
            stream.with_columns(c=pu.col("temp") * 2)
        else:
            getattr(stream, op)("temp")
    assert (
        "there is no field 'temp'; known fields: station, temp_f, rh; did you mean temp_f?"
        in str(raised.value)
    )
    assert raised.value.origin.file == __file__


def test_a_field_is_gone_after_select_and_drop() -> None:
    with pytest.raises(pu.DefinitionError, match="heat: parameter rh: there is no field 'rh'"):
        weather().select("station", "temp_f").with_columns(h=heat)


def test_a_column_of_the_same_step_is_not_seen() -> None:
    with pytest.raises(pu.DefinitionError, match="column 'b': there is no field 'a'"):
        weather(KNOWN).with_columns(a=pu.col("rh") + 1, b=pu.col("a") + 1)


def test_a_copy_of_a_field_that_nobody_declared_is_a_json_value() -> None:
    with pytest.raises(
        pu.DefinitionError, match="rh is read as float64, but field 'rh' is json here"
    ):
        weather().with_columns(rh=pu.col("humidity")).with_columns(h=heat)


def test_a_computed_column_has_exactly_its_type() -> None:
    def parse(text: str) -> float:
        return 0.0

    stream = weather().with_columns(text=pu.lit(1.5))
    with pytest.raises(
        pu.DefinitionError, match="text is read as string, but field 'text' is float"
    ):
        stream.with_columns(x=parse)


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda s: s.with_columns(), "with_columns() needs at least one name=value"),
        (lambda s: s.with_columns(x=1), "column 'x' is 1; for a constant write pu.lit(1)"),
        (lambda s: s.with_columns(x=slim), "column 'x': slim returns records, not one value a"),
        (lambda s: s.where(heat), 'where() takes a condition such as pu.col("x") > 1, not <funct'),
        (
            lambda s: s.where(pu.col("a") + 1),
            "where() takes a condition, (col('a') + 1) is float64;",
        ),
        (lambda s: s.select(), "select() needs at least one name of a field"),
        (lambda s: s.select("a", "a"), "select() names the field 'a' twice"),
        (lambda s: s.drop(pu.col("a")), "drop() takes names of fields, not col('a')"),
        (
            lambda s: s.map(heat),
            "heat returns one value, not records; write .with_columns(name=heat)",
        ),
        (
            lambda s: s.map(size),
            "size returns one value, not records; write .with_columns(name=size)",
        ),
        (lambda s: s.map(lines), "lines returns several records a record; write .flat_map instead"),
        (
            lambda s: s.flat_map(slim),
            "slim returns one record a record; write .map instead of .fla",
        ),
        (lambda s: s.map(whole), "whole: takes a pandas.DataFrame, but its columns are not known"),
        (lambda s: s.map(pu.call(slim), timeout=1), "pu.call(slim, ...) has its own options"),
        (lambda s: s.to("a b"), "target 'a b' is no valid topic name; write 1 to 249 letters"),
        (lambda s: s.to(3), "target 3 is no valid topic name"),
        (lambda s: s.to("out/heat"), "'out/heat' looks like a file; write pu.file('out/heat')"),
        (
            lambda s: s.to("heat.jsonl"),
            "'heat.jsonl' looks like a file; write pu.file('heat.jsonl')",
        ),
        (
            lambda s: s.to(Path("heat.csv")),
            "file 'heat.csv' is CSV, which is only read; write .jsonl",
        ),
        (
            lambda s: s.to(Path("heat.txt")),
            "the format of 'heat.txt' is not known by its suffix; pos",
        ),
        (lambda s: s.to(Path("h.jsonl"), retention="7d"), "file 'h.jsonl' has no retention"),
        (
            lambda s: s.to("heat", retention="7 days"),
            "retention='7 days'; write a number and one of",
        ),
        (lambda s: s.to("heat", retention="0d"), "retention='0d'; write a number and one of ms, s"),
        (lambda s: s.to("weather"), "topic 'weather' is read by this app, at "),
        (lambda s: s.to("test.dlq"), "topic 'test.dlq' takes this app's dead letters"),
    ],
)
def test_a_step_that_cannot_work_is_refused_where_it_stands(use: Any, sentence: str) -> None:
    with pytest.raises(pu.DefinitionError) as raised:
        use(weather())
    assert sentence in str(raised.value)
    assert raised.value.origin.file == __file__
    assert raised.value.origin.line == use.__code__.co_firstlineno


def test_a_place_is_written_once() -> None:
    stream = weather()
    stream.to("copy")
    with pytest.raises(
        pu.DefinitionError, match=r"topic 'copy' is already written, at .*py:\d+; give"
    ):
        stream.where(pu.col("a")).to("copy")


def test_a_frame_knows_the_columns_of_its_place() -> None:
    stream = weather(KNOWN).with_columns(h=heat).drop("rh")
    out = stream.map(whole)
    function = next(f for f in out.graph.functions.values() if f.name == "whole")
    assert [p.name for p in function.params] == ["station", "temp_f", "h"]


def test_a_frame_needs_the_type_of_each_column() -> None:
    with pytest.raises(
        pu.DefinitionError, match=r"takes a pandas.DataFrame, but the type of x is not"
    ):
        weather().select("x").map(whole)


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda: pu.call(heat, temp_f=wrong(3)), "heat: temp_f=3; write the name of a field"),
        (
            lambda: pu.call(heat, on_error=wrong("never")),
            "heat: on_error='never'; possible are \"dlq\"",
        ),
        (lambda: pu.file("x.csv"), "file 'x.csv' is CSV, which is only read"),
        (lambda: pu.file("x"), "the format of 'x' is not known by its suffix; possible are .csv"),
        (lambda: pu.App("my app"), "app name 'my app' is no valid topic name"),
        (lambda: pu.App("a").topic(".."), "topic '..' is no valid topic name"),
        (
            lambda: pu.App("a").topic("t", format=wrong("avro")),
            'format=\'avro\'; possible are "json", "csv"',
        ),
        (
            lambda: pu.App("a").topic("t", format="csv"),
            "topic 't' is CSV without a header; declare",
        ),
        (
            lambda: pu.App("a").topic("t", key=wrong(3)),
            "topic 't': key=3; write the name of a field",
        ),
        (
            lambda: pu.App("a").topic("t", key="stat", schema=KNOWN),
            "topic 't': key='stat': there is no field 'stat'; known fields: station, temp_f, rh",
        ),
        (lambda: pu.App("a").file("t.avro"), "the format of 't.avro' is not known by its suffix"),
        (
            lambda: pu.App("a").file("t.csv", format=wrong("tsv")),
            'format=\'tsv\'; possible are "csv", "jso',
        ),
        (lambda: pu.App("a").file(wrong(3)), "3 is no path of a file"),
        (lambda: pu.App("a").topic("t", schema={}), "schema= declares no field; leave it out"),
        (
            lambda: pu.App("a").topic("t", schema=wrong([1])),
            "schema= is [1]; write a dict such as {'temp_f'",
        ),
        (lambda: pu.App("a").topic("t", schema={"a": "number"}), "field 'a' of schema= has type "),
        (
            lambda: pu.App("a").topic("t", schema={"": int}),
            "schema= has a field named ''; names are",
        ),
    ],
)
def test_an_app_that_cannot_work_is_refused_where_it_stands(use: Any, sentence: str) -> None:
    with pytest.raises(pu.DefinitionError) as raised:
        use()
    assert sentence in str(raised.value)
    assert raised.value.origin.file == __file__
    assert abs(raised.value.origin.line - use.__code__.co_firstlineno) <= 1


def test_a_source_is_defined_once() -> None:
    app = pu.App("test")
    app.topic("weather")
    with pytest.raises(
        pu.DefinitionError, match=r"topic 'weather' is already read, at .*; use that"
    ):
        app.topic("weather")
    app.file("weather.csv")
    with pytest.raises(pu.DefinitionError, match=r"file 'weather.csv' is already read, at "):
        app.file(Path("weather.csv"))


def test_an_app_does_not_read_back_what_it_writes() -> None:
    app = pu.App("test")
    app.topic("weather").to("heat")
    with pytest.raises(pu.DefinitionError, match=r"topic 'heat' is written by this app, at "):
        app.topic("heat")


def test_a_file_and_a_topic_of_one_name_differ() -> None:
    app = pu.App("test")
    app.topic("weather")
    with pytest.raises(pu.DefinitionError, match="'weather' is not known by its suffix"):
        app.file("weather")
    app.file("weather", format="json").to("out")
