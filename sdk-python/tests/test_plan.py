"""The plan says exactly what the app says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import msgspec
import pandas as pd
import pydantic
import pytest
from google.protobuf import text_format

import pyudf as pu
from pyudf.expressions import Op, Value
from pyudf.functions import Function
from pyudf.loading import load
from pyudf.plan.v1 import plan_pb2
from pyudf.types import FieldType

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "testdata"


def first_step(stream: pu.Stream) -> plan_pb2.Step:
    """Return the step that made a stream, as the plan has it."""
    stream.to("out")
    app = pu.App("other")
    app._graph = stream.graph  # noqa: SLF001 - a stream does not lead back to its app
    return app.plan().steps[0]


def weather() -> pu.Stream:
    return pu.App("test").topic("weather")


def text(message: Any) -> str:
    return text_format.MessageToString(message, as_one_line=True)


def test_the_plan_of_the_example_is_as_it_was(request: pytest.FixtureRequest) -> None:
    plan = load(str(ROOT / "examples" / "weather" / "heat.py")).plan()
    got = text_format.MessageToString(plan).replace(str(ROOT), "ROOT")
    golden = GOLDEN / "heat.plan.txt"
    if request.config.getoption("--rewrite"):
        golden.write_text(got)
    assert got == golden.read_text()


def test_types_have_the_numbers_of_the_plan() -> None:
    numbers = {f"TYPE_{type_.name}": type_.value for type_ in FieldType}
    assert numbers == {k: v for k, v in plan_pb2.Type.items() if v}


def test_operators_have_the_names_of_the_plan() -> None:
    assert [f"OP_{op.name}" for op in Op] == [name for name, n in plan_pb2.Op.items() if n]


def test_a_topic_source_has_its_schema_key_and_time() -> None:
    app = pu.App("test")
    schema = {"station": str, "price": Decimal | None, "at": "timestamp", "tags": list}
    app.topic("orders", key="station", time="at", format="csv", schema=schema).to("out")
    (source,) = app.plan().sources
    assert source.topic == plan_pb2.Topic(name="orders", format=plan_pb2.FORMAT_CSV)
    assert (source.id, source.key, source.time.field) == ("orders", "station", "at")
    assert [(f.name, f.type, f.nullable) for f in source.schema] == [
        ("station", plan_pb2.TYPE_STRING, False),
        ("price", plan_pb2.TYPE_DECIMAL, True),
        ("at", plan_pb2.TYPE_TIMESTAMP, False),
        ("tags", plan_pb2.TYPE_JSON, False),
    ]
    assert source.defined_at.file == __file__


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("w.csv", plan_pb2.FORMAT_CSV),
        ("w.jsonl", plan_pb2.FORMAT_JSON),
        ("w.ndjson", plan_pb2.FORMAT_JSON),
        (Path("data") / "W.PARQUET", plan_pb2.FORMAT_PARQUET),
    ],
)
def test_a_file_source_has_the_format_of_its_suffix(
    path: str | Path, expected: plan_pb2.Format
) -> None:
    app = pu.App("test")
    app.file(path).to("out")
    assert app.plan().sources[0].file == plan_pb2.File(path=os.fspath(path), format=expected)


def test_where_has_its_condition() -> None:
    step = first_step(weather().where((pu.col("t") > 100) & pu.col("rh").is_not_null()))
    assert text(step.where.condition) == (
        "operation { op: OP_AND "
        'args { operation { op: OP_GREATER args { column: "t" } '
        "args { literal { int_value: 100 } } } } "
        'args { operation { op: OP_IS_NOT_NULL args { column: "rh" } } } }'
    )


def test_select_and_drop_have_their_fields() -> None:
    assert first_step(weather().select("b", "a")).select.fields == ["b", "a"]
    assert first_step(weather().drop("b", "a")).drop.fields == ["b", "a"]


def test_columns_have_expressions_and_calls_in_order() -> None:
    def f(x: float) -> float:
        return x

    step = first_step(weather().with_columns(a=pu.lit("s"), b=pu.call(f, x="y")))
    a, b = step.with_columns.columns
    assert (a.name, a.expr.literal.string_value) == ("a", "s")
    assert b.name == "b"
    assert b.call.function.endswith(":test_columns_have_expressions_and_calls_in_order.<locals>.f")
    assert [(arg.param, arg.field) for arg in b.call.args] == [("x", "y")]


def test_literals_keep_their_type() -> None:
    values: list[Value] = [True, 3, 3.0, "s", None]
    names = {f"c{i}": pu.lit(value) for i, value in enumerate(values)}
    columns = first_step(weather().with_columns(**names)).with_columns.columns
    assert [c.expr.literal.WhichOneof("value") for c in columns] == [
        "bool_value",
        "int_value",
        "float_value",
        "string_value",
        "null_value",
    ]


def test_is_in_has_the_value_and_then_the_literals() -> None:
    step = first_step(weather().where(pu.col("s").is_in(["a", "b"])))
    operation = step.where.condition.operation
    assert operation.op == plan_pb2.OP_IS_IN
    assert operation.args[0].column == "s"
    assert [arg.literal.string_value for arg in operation.args[1:]] == ["a", "b"]


def the_function(func: Any, schema: Any = None, **options: Any) -> plan_pb2.Function:
    app = pu.App("test")
    stream = app.topic("weather", schema=schema)
    stream.apply(pu.call(func, **options)).to("out")
    return app.plan().functions[0]


def test_a_record_function_binds_no_field() -> None:
    def lines(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield row

    function = the_function(lines, on_null="dlq", on_error="stop", timeout=0.5)
    assert (function.kind, function.input, function.output) == (
        plan_pb2.KIND_RECORD,
        plan_pb2.INPUT_RECORDS,
        plan_pb2.OUTPUT_RECORDS,
    )
    assert list(function.params) == []
    assert function.result_type == plan_pb2.TYPE_UNSPECIFIED
    assert (function.on_null, function.on_error) == (plan_pb2.ON_NULL_DLQ, plan_pb2.ON_ERROR_STOP)
    assert function.timeout_ms == 500


class Slim(TypedDict):
    station: str
    hot: NotRequired[bool]
    tags: list[str]
    either: int | str


@dataclass
class Reading:
    at: datetime
    temp_f: float | None
    rh: float = 50.0


class Order(msgspec.Struct, rename="camel"):
    order_id: int
    unit_price: Decimal


class Model(pydantic.BaseModel):
    station: str
    count: int = 0


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (Slim, ["station STRING", "hot BOOL?", "tags JSON"]),
        (Slim | None, ["station STRING", "hot BOOL?", "tags JSON"]),
        (Reading, ["at TIMESTAMP", "temp_f FLOAT64?", "rh FLOAT64?"]),
        (Order, ["orderId INT64", "unitPrice DECIMAL"]),
        (Model, ["station STRING", "count INT64?"]),
        (dict[str, Any], []),
    ],
)
def test_a_map_has_the_fields_that_its_function_declares(record: Any, expected: list[str]) -> None:
    def f(row: dict[str, Any]) -> Any:
        return row

    f.__annotations__["return"] = record
    schema = first_step(weather().map(f)).map.schema
    names = [f"{x.name} {plan_pb2.Type.Name(x.type)[5:]}{'?' * x.nullable}" for x in schema]
    assert names == expected


def test_a_frame_function_gets_all_columns() -> None:
    def whole(df: pd.DataFrame) -> pd.DataFrame:
        return df

    function = the_function(whole, {"a": float, "b": str})
    assert (function.kind, function.input, function.output) == (
        plan_pb2.KIND_VECTORISED,
        plan_pb2.INPUT_COLUMNS,
        plan_pb2.OUTPUT_RECORDS,
    )
    assert [(p.name, p.type) for p in function.params] == [
        ("a", plan_pb2.TYPE_FLOAT64),
        ("b", plan_pb2.TYPE_STRING),
    ]


def test_defaults_travel_as_literals() -> None:
    def f(a: float, b: float = 1, c: int | None = None, d: str = "") -> float:
        return a

    app = pu.App("test")
    app.topic("weather").with_columns(x=f).to("out")
    a, b, c, d = app.plan().functions[0].params
    assert not a.HasField("default_value")
    assert b.default_value.float_value == 1.0
    assert c.default_value.null_value
    assert c.nullable
    assert d.default_value.WhichOneof("value") == "string_value"


def test_sinks_are_topics_with_retention_or_files() -> None:
    app = pu.App("test")
    stream = app.topic("weather")
    stream.to("week", retention="7d")
    stream.to("forever")
    stream.to(pu.file("out.parquet"))
    stream.to(Path("out.ndjson"))
    week, forever, parquet, lines = (step.to for step in app.plan().steps)
    assert week.topic == plan_pb2.Topic(
        name="week", format=plan_pb2.FORMAT_JSON, retention_ms=604_800_000
    )
    assert forever.topic.retention_ms == 0
    assert parquet.file == plan_pb2.File(path="out.parquet", format=plan_pb2.FORMAT_PARQUET)
    assert lines.file == plan_pb2.File(path="out.ndjson", format=plan_pb2.FORMAT_JSON)


@pytest.mark.parametrize(
    ("retention", "ms"),
    [("5ms", 5), ("5s", 5000), ("2m", 120_000), ("1h", 3_600_000), ("2w", 2 * 604_800_000)],
)
def test_retention_has_units(retention: str, ms: int) -> None:
    app = pu.App("test")
    app.topic("weather").to("out", retention=retention)
    assert app.plan().steps[0].to.topic.retention_ms == ms


def test_steps_stand_after_their_input_and_where_they_were_written() -> None:
    app = pu.App("test")
    weather = app.topic("weather")
    hot = weather.where(pu.col("t") > 1)
    hot.select("t").to("a")
    hot.to("b")
    plan = app.plan()
    seen = {source.id for source in plan.sources}
    for step in plan.steps:
        assert step.input in seen
        seen.add(step.id)
        assert step.defined_at.file == __file__
    lines = [step.defined_at.line for step in plan.steps]
    here = plan.sources[0].defined_at.line
    assert lines == [here + 1, here + 2, here + 2, here + 3]


def test_an_app_that_reads_nothing_has_no_plan() -> None:
    with pytest.raises(pu.DefinitionError, match=r"app 'a' reads nothing; begin with app.topic\("):
        pu.App("a").plan()


def test_an_app_that_writes_nothing_has_no_plan() -> None:
    app = pu.App("a")
    app.topic("weather").select("a")
    with pytest.raises(pu.DefinitionError, match=r"app 'a' writes nothing; end a stream with .to"):
        app.plan()


def test_a_source_that_is_never_used_is_named() -> None:
    app = pu.App("a")
    app.topic("weather").to("out")
    app.topic("idle")
    with pytest.raises(pu.DefinitionError, match="topic 'idle' is never used; remove it") as raised:
        app.plan()
    assert raised.value.origin.file == __file__


def test_a_stream_that_leads_nowhere_is_named() -> None:
    app = pu.App("a")
    stream = app.topic("weather")
    stream.to("out")
    stream.where(pu.col("a") > 1)
    with pytest.raises(
        pu.DefinitionError, match=r"stream that .where\(...\) returns is never used"
    ):
        app.plan()


def test_the_functions_of_the_app_are_those_of_the_plan() -> None:
    def f(x: float) -> float:
        return x

    app = pu.App("a")
    app.topic("weather").with_columns(y=f).to("out")
    functions = app.functions()
    assert [function.id for function in app.plan().functions] == list(functions)
    (function,) = functions.values()
    assert isinstance(function, Function)
    assert function.call is f
