"""The engine's aggregates in the plan, with the types of their results."""

from collections.abc import Callable
from typing import Any

import pytest

import pyudf as pu
from pyudf.aggregates import AggregateOp
from pyudf.plan.v1 import plan_pb2
from pyudf.types import FieldType

KNOWN = {
    "n": int,
    "x": float,
    "s": str,
    "b": bool,
    "d": "decimal",
    "at": "timestamp",
    "tags": list,
}


def wrong(value: object) -> Any:
    """Give a value that the type checker would refuse."""
    return value


def the_column(aggregate: Any) -> plan_pb2.AggregateColumn:
    app = pu.App("test")
    windowed = app.topic("orders", key="s", schema=KNOWN).window(pu.tumbling("10s"))
    windowed.agg(it=aggregate).to("out")
    return app.plan().steps[0].aggregate.columns[0]


def the_type(aggregate: Any, schema: Any = KNOWN) -> FieldType | None:
    stream = pu.App("test").topic("orders", schema=schema)
    return stream.window(pu.tumbling("10s")).agg(it=aggregate).fields.type_of("it")


def test_aggregates_have_the_names_of_the_plan() -> None:
    names = [f"AGGREGATE_OP_{op.name}" for op in AggregateOp]
    assert names == [name for name, n in plan_pb2.AggregateOp.items() if n]


@pytest.mark.parametrize(
    ("aggregate", "op", "options"),
    [
        (pu.sum("x"), "SUM", {}),
        (pu.mean("x"), "MEAN", {}),
        (pu.min("x"), "MIN", {}),
        (pu.max("x"), "MAX", {}),
        (pu.first("x"), "FIRST", {}),
        (pu.last("x"), "LAST", {}),
        (pu.count("x"), "COUNT", {}),
        (pu.count_distinct("x"), "COUNT_DISTINCT", {}),
        (pu.var("x"), "VARIANCE", {"ddof": 1}),
        (pu.var("x", ddof=0), "VARIANCE", {}),
        (pu.std("x"), "STDDEV", {"ddof": 1}),
        (pu.std("x", ddof=2), "STDDEV", {"ddof": 2}),
        (pu.quantile("x", 0.99), "QUANTILE", {"quantile": 0.99}),
        (pu.quantile("x", 1), "QUANTILE", {"quantile": 1.0}),
        (pu.median("x"), "QUANTILE", {"quantile": 0.5}),
        (pu.collect("x"), "COLLECT", {}),
        (pu.collect("x", limit=10), "COLLECT", {"limit": 10}),
        (pu.top("x", 3), "TOP", {"limit": 3}),
        (pu.bottom("x", 3), "BOTTOM", {"limit": 3}),
    ],
)
def test_an_aggregate_is_in_the_plan_as_it_was_written(
    aggregate: Any, op: str, options: dict[str, Any]
) -> None:
    column = the_column(aggregate)
    assert column.name == "it"
    assert column.builtin == plan_pb2.Builtin(
        op=f"AGGREGATE_OP_{op}", argument=plan_pb2.Expr(column="x"), **options
    )


def test_a_count_of_records_has_no_argument() -> None:
    assert the_column(pu.count()).builtin == plan_pb2.Builtin(op=plan_pb2.AGGREGATE_OP_COUNT)


def test_an_argument_may_be_an_expression() -> None:
    argument = the_column(pu.sum(pu.col("x") * pu.col("n"))).builtin.argument
    assert argument.operation.op == plan_pb2.OP_MULTIPLY


@pytest.mark.parametrize(
    ("make", "types"),
    [
        (pu.sum, {"n": "int64", "x": "float64"}),
        (pu.mean, {"n": "float64", "x": "float64"}),
        (pu.var, {"n": "float64", "x": "float64"}),
        (pu.median, {"n": "float64", "x": "float64"}),
        (pu.min, {"n": "int64", "x": "float64", "s": "string", "at": "timestamp"}),
        (pu.max, {"n": "int64", "x": "float64", "s": "string", "at": "timestamp"}),
        (pu.first, {name: str(t) for name, t in zip(KNOWN, FieldType, strict=False)}),
        (pu.collect, dict.fromkeys(KNOWN, "json")),
        (pu.count, dict.fromkeys(KNOWN, "int64")),
        (pu.count_distinct, dict.fromkeys(KNOWN, "int64")),
        (lambda name: pu.top(name, 3), {"n": "json", "x": "json"}),
    ],
)
def test_the_type_of_a_result_follows_from_the_argument(
    make: Callable[[str], Any], types: dict[str, str]
) -> None:
    wanted = {
        "n": FieldType.INT64,
        "x": FieldType.FLOAT64,
        "s": FieldType.STRING,
        "b": FieldType.BOOL,
        "d": FieldType.DECIMAL,
        "at": FieldType.TIMESTAMP,
        "tags": FieldType.JSON,
    }
    keep = make is pu.first
    assert {name: the_type(make(name)) for name in types} == {
        name: wanted[name] if keep else FieldType.parse(text) for name, text in types.items()
    }


@pytest.mark.parametrize(
    ("aggregate", "type_"),
    [
        (pu.sum("x"), FieldType.FLOAT64),
        (pu.min("x"), FieldType.FLOAT64),
        (pu.first("x"), FieldType.JSON),
        (pu.count("x"), FieldType.INT64),
        (pu.sum(pu.col("x") // 10), FieldType.FLOAT64),
    ],
)
def test_a_field_that_nobody_declared_is_a_number_or_any_value(
    aggregate: Any, type_: FieldType
) -> None:
    assert the_type(aggregate, None) is type_


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: the_type(pu.sum("s")),
            r"agg\(it=...\): sum needs a number \(int64 or float64\), and col\('s'\) is string",
        ),
        (lambda: the_type(pu.mean("b")), r"mean needs a number .* col\('b'\) is bool; declare"),
        (lambda: the_type(pu.std("d")), "std needs a number .* is decimal"),
        (lambda: the_type(pu.quantile("at", 0.5)), "quantile needs a number .* is timestamp"),
        (lambda: the_type(pu.top("s", 1)), "top needs a number"),
        (lambda: the_type(pu.min("tags")), "min needs a number, a text or a timestamp, and"),
        (lambda: the_type(pu.max("b")), "max needs a number, a text or a timestamp, and"),
        (lambda: the_type(pu.sum("y")), r"agg\(it=...\): there is no field 'y'; known fields: n"),
        (lambda: the_type(pu.sum(pu.lit(1))), "sum of the constant 1; name a field"),
        (lambda: the_type(pu.sum(pu.col("s") + 1)), r"col\('s'\) in .* is string, and \+ takes"),
        (lambda: pu.sum(wrong(3)), r"sum\(3\); write the name of a field, or an expression such"),
        (lambda: pu.first(""), r"first\(''\); write the name of a field"),
        (lambda: pu.count(wrong(2.5)), r"count\(2.5\); write the name of a field"),
        (lambda: pu.quantile("x", 50), r"quantile\(..., 50\); write a number between 0 and 1"),
        (lambda: pu.quantile("x", float("nan")), "write a number between 0 and 1"),
        (lambda: pu.quantile("x", True), "write a number between 0 and 1"),
        (lambda: pu.var("x", ddof=-1), "ddof=-1; write a whole number from 0"),
        (lambda: pu.collect("x", limit=0), "limit=0; write a whole number from 1"),
        (lambda: pu.top("x", 0), "k=0; write a whole number from 1"),
        (lambda: pu.bottom("x", wrong("3")), "k='3'; write a whole number from 1"),
    ],
)
def test_an_impossible_aggregate_is_refused_where_it_stands(
    make: Callable[[], object], sentence: str
) -> None:
    with pytest.raises(pu.DefinitionError, match=sentence) as raised:
        make()
    assert raised.value.origin.file == __file__
