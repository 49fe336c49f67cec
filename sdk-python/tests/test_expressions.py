"""Expressions are data; what the engine could not evaluate is refused where it is used."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import pyudf as pu
from pyudf.expressions import Expr
from pyudf.types import FieldType

SCHEMA = {
    "n": int,
    "x": float,
    "s": str,
    "b": bool,
    "d": Decimal,
    "t": "timestamp",
    "j": list,
}


def stream(schema: Any = SCHEMA) -> pu.Stream:
    return pu.App("test").topic("in", schema=schema)


n, x, s, b = pu.col("n"), pu.col("x"), pu.col("s"), pu.col("b")


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (x + 1, "(col('x') + 1)"),
        (1 + x, "(1 + col('x'))"),
        (x - n, "(col('x') - col('n'))"),
        (1 - x, "(1 - col('x'))"),
        (x * 2.5, "(col('x') * 2.5)"),
        (2.5 * x, "(2.5 * col('x'))"),
        (x / 2, "(col('x') / 2)"),
        (2 / x, "(2 / col('x'))"),
        (x // 2, "(col('x') // 2)"),
        (2 // x, "(2 // col('x'))"),
        (x % 2, "(col('x') % 2)"),
        (2 % x, "(2 % col('x'))"),
        (-x, "-col('x')"),
        (x == 1, "(col('x') == 1)"),
        (x != 1, "(col('x') != 1)"),
        (x < 1, "(col('x') < 1)"),
        (1 < x, "(col('x') > 1)"),
        (x <= 1, "(col('x') <= 1)"),
        (x > 1, "(col('x') > 1)"),
        (x >= 1, "(col('x') >= 1)"),
        (b & (x > 1), "(col('b') & (col('x') > 1))"),
        (True & b, "(True & col('b'))"),
        (b | (s == "a"), "(col('b') | (col('s') == 'a'))"),
        (False | b, "(False | col('b'))"),
        (~b, "~col('b')"),
        (x.is_null(), "col('x').is_null()"),
        (x.is_not_null(), "col('x').is_not_null()"),
        (s.is_in(["a", "b"]), "col('s').is_in(['a', 'b'])"),
        (pu.lit(None), "None"),
        (x > np.float64(1.5), "(col('x') > 1.5)"),
        (n == np.int64(3), "(col('n') == 3)"),
    ],
)
def test_each_operator_makes_an_expression_in_the_order_written(expr: Expr, text: str) -> None:
    assert repr(expr) == text


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (n + 1, FieldType.INT64),
        (n / 1, FieldType.FLOAT64),
        (n // 2, FieldType.INT64),
        (n * x, FieldType.FLOAT64),
        (-n, FieldType.INT64),
        (pu.col("unknown") + 1, FieldType.FLOAT64),
        (x > n, FieldType.BOOL),
        (s == "a", FieldType.BOOL),
        (b == True, FieldType.BOOL),  # noqa: E712
        (b & ~(x > 1), FieldType.BOOL),
        (pu.col("unknown") & b, FieldType.BOOL),
        (pu.col("j").is_null(), FieldType.BOOL),
        (x.is_in([1, 2.5]), FieldType.BOOL),
        (pu.col("unknown") == s, FieldType.BOOL),
        (s, FieldType.STRING),
        (pu.col("unknown"), FieldType.JSON),
        (pu.lit(1.5), FieldType.FLOAT64),
    ],
)
def test_the_type_of_an_expression_follows_from_its_operands(
    expr: Expr, expected: FieldType
) -> None:
    open_stream = (
        pu.App("test")
        .file("in.jsonl")
        .with_columns(n=pu.lit(1), x=pu.lit(1.5), s=pu.lit("a"), b=pu.lit(True), j=pu.col("j"))
    )
    assert open_stream.with_columns(made=expr).fields.type_of("made") is expected


@pytest.mark.parametrize(
    ("expr", "sentence"),
    [
        (pu.col("y") > 1, "there is no field 'y'; known fields: n, x, s, b, d, t, j"),
        (s + 1, r"col('s') in (col('s') + 1) is string, and + takes numbers (int64 or float64)"),
        (-b, "col('b') in -col('b') is bool, and - takes numbers"),
        (pu.col("d") * 2, "col('d') in (col('d') * 2) is decimal, and * takes numbers"),
        (x & b, "col('x') in (col('x') & col('b')) is float64, not true or false; & binds tighter"),
        (~x, "col('x') in ~col('x') is float64, not true or false"),
        (x == "a", "compares values of different types: col('x') is float64, 'a' is string"),
        (s.is_in([1]), "compares values of different types: col('s') is string, 1 is int64"),
        (b < True, "orders true and false; write == or != for them"),
        (pu.col("t") > s, "values of different types: col('t') is timestamp, col('s') is string"),
        (s == pu.col("d"), "values of different types: col('s') is string, col('d') is decimal"),
        (pu.col("t") > x, "values of different types: col('t') is timestamp, col('x') is float64"),
        (pu.col("j") == 1, "col('j') in (col('j') == 1) is a JSON value of any kind, which cannot"),
        (x == None, "is always null; write .is_null() or .is_not_null()"),  # noqa: E711
        (x + pu.lit(None), "is always null; write .is_null()"),
        (b & pu.lit(None), "is always null; write .is_null()"),
    ],
)
def test_what_the_engine_cannot_evaluate_is_refused(expr: Expr, sentence: str) -> None:
    with pytest.raises(pu.DefinitionError) as raised:
        stream().with_columns(made=expr)
    assert sentence in str(raised.value)
    assert raised.value.origin.file == __file__


@pytest.mark.parametrize(
    "expr",
    [
        pu.col("d") > 1.5,
        pu.col("d") == "0.10",
        n < pu.col("d"),
        pu.col("d").is_in(["0.1", "0.2"]),
        pu.col("t") >= "2013-07-01",
        pu.col("t") == pu.col("t"),
    ],
)
def test_decimals_and_timestamps_compare_with_their_text(expr: Expr) -> None:
    assert stream().with_columns(made=expr).fields.type_of("made") is FieldType.BOOL


def test_two_fields_of_unknown_type_need_a_schema_to_be_compared() -> None:
    with pytest.raises(
        pu.DefinitionError,
        match=r"the types of col\('p'\) and col\('q'\) in .* are not known; declare them where the",
    ):
        stream(None).where(pu.col("p") == pu.col("q"))


def chained() -> object:
    return 1 < x < 2


@pytest.mark.parametrize(
    "use", [lambda: bool(x > 1), lambda: (x > 1) and b, lambda: not b, chained]
)
def test_python_logic_is_refused_with_what_to_write(use: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"write & \| ~ instead of and, or, not, put each side in"):
        use()


def test_in_and_iteration_are_refused() -> None:
    with pytest.raises(TypeError, match=r"write .is_in\(\[...\]\) instead of 'in'"):
        _ = 1 in x
    with pytest.raises(TypeError, match="it cannot be iterated or unpacked"):
        list(x)


def test_an_expression_can_be_a_key_and_is_equal_only_to_itself_there() -> None:
    one, other = pu.col("x"), pu.col("x")
    assert {one: 1}[one] == 1
    assert hash(one) != hash(other)


def test_expressions_cannot_be_changed() -> None:
    changed: Any = pu.col("x")
    with pytest.raises(AttributeError):
        changed.name = "y"


def test_constants_of_other_types_are_refused() -> None:
    other: Any = Decimal("1.5")
    with pytest.raises(TypeError, match=r"Decimal\('1.5'\) is a Decimal: an expression takes bool"):
        pu.lit(other)
    with pytest.raises(ValueError, match="9223372036854775808 does not fit into 64 bits"):
        pu.lit(2**63)
    assert pu.lit(-(2**63)).value == -(2**63)
    assert repr(pu.lit(math.nan)) == "nan"


def test_is_in_takes_a_list_of_values_of_one_type() -> None:
    text: Any = "abc"
    with pytest.raises(TypeError, match=r"is_in\(\) takes a list of values, not 'abc'"):
        s.is_in(text)
    with pytest.raises(ValueError, match=r"is_in\(\) needs at least one value"):
        s.is_in([])
    with pytest.raises(TypeError, match=r"does not find null; write .is_null\(\) | .is_in"):
        s.is_in(["a", None])
    with pytest.raises(TypeError, match="takes values of one type, not of int, str"):
        s.is_in(["a", 1])


def test_a_field_name_is_text() -> None:
    wrong: Any = 3
    for name in (wrong, ""):
        with pytest.raises(TypeError, match=r"col\(\) takes the name of a field"):
            pu.col(name)
