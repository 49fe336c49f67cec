"""The decorator puts a function on a stream and leaves the function alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pyudf as pu
from pyudf.functions import Output


def heat(temp_f: float, rh: float) -> float:
    return temp_f + rh


def slim(row: dict[str, Any]) -> dict[str, Any] | None:
    return row


def lines(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield row


def steps(app: pu.App) -> list[str | None]:
    return [step.WhichOneof("op") for step in app.plan().steps]


def test_the_decorator_returns_the_same_object() -> None:
    app = pu.App("test")
    weather = app.topic("weather")
    before = dict(vars(heat))
    assert app.udf(weather, to="heat", column="h")(heat) is heat
    assert vars(heat) == before
    assert heat(1, 2) == 3


@pytest.mark.parametrize(
    ("func", "column", "expected"),
    [
        (heat, "h", ["with_columns", "to"]),
        (slim, None, ["map", "to"]),
        (lines, None, ["map", "to"]),
    ],
)
def test_the_signature_decides_what_the_decorator_does(
    func: Any, column: str | None, expected: list[str]
) -> None:
    app = pu.App("test")
    app.udf(app.topic("weather"), to="out", column=column)(func)
    assert steps(app) == expected


def test_options_reach_the_function() -> None:
    app = pu.App("test")
    decorate = app.udf(
        app.topic("weather"),
        to=Path("heat.parquet"),
        column="h",
        on_null="call",
        on_error="stop",
        timeout=0.25,
        returns=int,
    )
    decorate(heat)
    (function,) = app.functions().values()
    assert (function.on_null, function.on_error, function.timeout) == ("call", "stop", 0.25)
    assert (function.result, function.output) == (int, Output.COLUMN)
    assert app.plan().functions[0].timeout_ms == 250


def test_a_decorator_without_a_target_is_refused() -> None:
    app = pu.App("test")
    with pytest.raises(pu.DefinitionError, match=r"@app.udf needs to= for the result; to go on"):
        app.udf(app.topic("weather"), column="h")


def test_a_taken_target_is_refused_before_anything_is_added() -> None:
    app = pu.App("test")
    weather = app.topic("weather")
    app.udf(weather, to="heat", column="h")(heat)
    with pytest.raises(pu.DefinitionError, match="topic 'heat' is already written"):
        app.udf(weather, to="heat", column="h2")
    assert steps(app) == ["with_columns", "to"]


def test_a_decorator_without_a_stream_is_refused() -> None:
    app = pu.App("test")
    bare: Any = app.udf
    with pytest.raises(
        pu.DefinitionError, match=r"@app.udf takes the stream to read, not <function"
    ):
        bare(heat)
    with pytest.raises(
        pu.DefinitionError, match=r"@app.udf takes the stream to read, not 'weather'"
    ):
        bare("weather", to="heat")


def test_a_stream_of_another_app_is_refused() -> None:
    weather = pu.App("one").topic("weather")
    with pytest.raises(pu.DefinitionError, match="belongs to another app than 'two'; use one app"):
        pu.App("two").udf(weather, to="heat", column="h")


def test_the_value_of_a_function_needs_a_column_and_records_need_none() -> None:
    app = pu.App("test")
    weather = app.topic("weather")
    with pytest.raises(pu.DefinitionError, match="heat returns one value, not records"):
        app.udf(weather, to="a")(heat)
    with pytest.raises(pu.DefinitionError, match="column 'h': slim returns records"):
        app.udf(weather, to="b", column="h")(slim)


def test_one_function_used_alike_twice_is_one_function_of_the_plan() -> None:
    app = pu.App("test")
    weather = app.topic("weather")
    weather.with_columns(a=heat, b=pu.call(heat, rh="humidity")).to("x")
    assert list(app.functions()) == [f"{__name__}:heat"]
    first, second = app.plan().steps[0].with_columns.columns
    assert [arg.field for arg in first.call.args] == ["temp_f", "rh"]
    assert [arg.field for arg in second.call.args] == ["temp_f", "humidity"]


def test_functions_that_differ_have_ids_that_differ() -> None:
    app = pu.App("test")
    weather = app.topic("weather")
    weather.with_columns(
        a=heat, b=pu.call(heat, on_error="skip"), c=pu.call(heat, on_error="stop"), d=heat
    ).to("x")
    ids = [f"{__name__}:heat", f"{__name__}:heat#2", f"{__name__}:heat#3"]
    assert list(app.functions()) == ids
    assert [f.id for f in app.plan().functions] == ids
    assert [f.id for f in app.functions().values()] == ids
    columns = app.plan().steps[0].with_columns.columns
    assert [c.call.function for c in columns] == [*ids, ids[0]]
