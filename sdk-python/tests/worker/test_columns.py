"""Functions over scalars and the columns that they return."""

from __future__ import annotations

import datetime
import decimal
import gc
import math
import weakref
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worker_harness import columns_request, errors, scalar, values, worker

from pyudf.types import FieldType

BOOL, INT64, FLOAT64 = FieldType.BOOL, FieldType.INT64, FieldType.FLOAT64
STRING, DECIMAL, TIMESTAMP, JSON = (
    FieldType.STRING,
    FieldType.DECIMAL,
    FieldType.TIMESTAMP,
    FieldType.JSON,
)


def heat(temp: float, rh: float) -> float:
    return temp * rh / 3


def test_a_function_over_floats_gives_the_bits_that_plain_python_gives() -> None:
    temps = [0.1 * i for i in range(1000)]
    rhs = [float(i % 101) for i in range(1000)]
    with worker(scalar(heat, FLOAT64, FLOAT64, FLOAT64)) as engine:
        response = engine.columns(temps, rhs)
    assert response.seq == 7
    assert response.busy_ns > 0
    assert values(response, FLOAT64) == [heat(t, r) for t, r in zip(temps, rhs, strict=True)]


def test_rows_that_raise_fail_alone_and_every_row_is_called_once() -> None:
    calls: Counter[int] = Counter()

    def inverse(x: int) -> float:
        calls[x] += 1
        return 1 / (x % 10)

    with worker(scalar(inverse, FLOAT64, INT64)) as engine:
        response = engine.columns(list(range(100)))
    assert errors(response) == {
        row: ("ZeroDivisionError", "division by zero") for row in range(0, 100, 10)
    }
    found = values(response, FLOAT64)
    assert all(found[row] == 1 / (row % 10) for row in range(100) if row % 10)
    assert calls == Counter(range(100))


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), StopIteration("x"), GeneratorExit(), MemoryError()],
)
def test_whatever_a_function_raises_is_a_failure_of_its_row(error: BaseException) -> None:
    def leave(x: int) -> int:
        if x in (1, 3):
            raise error
        return x

    with worker(scalar(leave, INT64, INT64)) as engine:
        first = engine.columns([0, 1, 2, 3])
        assert [e.exception for e in first.errors] == [type(error).__name__] * 2
        assert [e.row for e in first.errors] == [1, 3]
        assert values(first, INT64)[::2] == [0, 2]
        assert values(engine.columns([8]), INT64) == [8]


def test_an_endless_recursion_is_a_failure_of_its_row() -> None:
    def deep(x: int) -> int:
        return deep(x) if x else x

    with worker(scalar(deep, INT64, INT64)) as engine:
        response = engine.columns([0, 1, 0])
    assert response.errors[0].exception == "RecursionError"
    assert "Previous line repeated" in response.errors[0].traceback
    assert values(response, INT64)[::2] == [0, 0]


def test_the_traceback_shows_the_users_own_frames_and_causes() -> None:
    def inner(x: int) -> float:
        return 1 / x

    def outer(x: int) -> float:
        try:
            return inner(x)
        except ZeroDivisionError as err:
            raise ValueError("no inverse") from err  # noqa: EM101

    with worker(scalar(outer, FLOAT64, INT64)) as engine:
        (error,) = engine.columns([0]).errors
    assert error.traceback.startswith("Traceback (most recent call last):\n  File ")
    assert "return 1 / x" in error.traceback
    assert "direct cause" in error.traceback
    assert error.traceback.endswith("ValueError: no inverse\n")
    assert "pyudf/_worker" not in error.traceback
    assert error.traceback.count("test_columns.py") == 3


def test_a_long_message_is_cut_to_fit() -> None:
    def shout(x: int) -> int:
        raise ValueError("ä" * 1_000_000)

    with worker(scalar(shout, INT64, INT64)) as engine:
        (error,) = engine.columns([0]).errors
    assert len(error.message) <= 16 * 1024
    assert len(error.traceback) <= 16 * 1024
    assert "cut by pyudf" in error.message


def test_nulls_arrive_as_none_and_none_returns_as_null() -> None:
    def swap(a: float | None, b: str | None, c: bool | None) -> int | None:
        return None if a is None else 10 * (b is None) + (c is None)

    with worker(scalar(swap, INT64, FLOAT64, STRING, BOOL)) as engine:
        response = engine.columns(
            [1.0, None, 1.0, 1.0], ["a", "b", None, "d"], [True, True, False, None]
        )
    assert values(response, INT64) == [0, None, 10, 1]
    assert not response.errors


def test_nan_and_infinities_pass_unchanged() -> None:
    def same(x: float) -> float:
        return x

    with worker(scalar(same, FLOAT64, FLOAT64)) as engine:
        found = values(engine.columns([math.nan, math.inf, -math.inf, -0.0]), FLOAT64)
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf, 0.0]
    assert math.copysign(1, found[3]) == -1


WRONG: list[tuple[FieldType, Any, Any]] = [
    (FLOAT64, float, "1.0"),
    (FLOAT64, float, True),
    (FLOAT64, float, np.bool_(True)),
    (FLOAT64, float, decimal.Decimal(1)),
    (FLOAT64, float, [1.0]),
    (INT64, int, 1.0),
    (INT64, int, True),
    (INT64, int, "1"),
    (INT64, int, np.float64(1)),
    (BOOL, bool, 1),
    (BOOL, bool, 0.0),
    (STRING, str, b"x"),
    (STRING, str, 1),
    (DECIMAL, decimal.Decimal, 1.5),
    (TIMESTAMP, datetime.datetime, "2013-01-01"),
]


@pytest.mark.parametrize(("kind", "annotation", "wrong"), WRONG)
def test_a_result_of_the_wrong_type_fails_its_row_and_says_what_was_expected(
    kind: FieldType, annotation: Any, wrong: Any
) -> None:
    def careless(x: int) -> Any:
        return wrong if x == 1 else None

    with worker(scalar(careless, kind, INT64, result=annotation)) as engine:
        response = engine.columns([0, 1, 2])
    (error,) = response.errors
    assert (error.row, error.exception, error.traceback) == (1, "TypeError", "")
    assert f"careless returned {type(wrong).__qualname__}" in error.message
    assert f"annotation says {annotation.__qualname__}" in error.message


UTC = datetime.UTC
RIGHT: list[tuple[FieldType, Any, Any]] = [
    (FLOAT64, 3, 3.0),
    (FLOAT64, 2**53 + 1, float(2**53 + 1)),
    (FLOAT64, np.float64(0.1), 0.1),
    (FLOAT64, np.float32(0.5), 0.5),
    (FLOAT64, np.int64(4), 4.0),
    (FLOAT64, np.array(2.5), 2.5),
    (FLOAT64, pd.NA, None),
    (INT64, -(2**63), -(2**63)),
    (INT64, 2**63 - 1, 2**63 - 1),
    (INT64, np.int32(5), 5),
    (BOOL, np.bool_(True), True),
    (STRING, "zoë \U0001f321", "zoë \U0001f321"),
    (STRING, np.str_("x"), "x"),
    (DECIMAL, decimal.Decimal("1.10"), "1.10"),
    (DECIMAL, decimal.Decimal("NaN"), None),
    (DECIMAL, 12, "12"),
    (TIMESTAMP, datetime.datetime(2013, 1, 1, tzinfo=UTC), "2013-01-01T00:00:00+00:00"),
    (TIMESTAMP, datetime.date(2013, 1, 1), "2013-01-01"),
    (TIMESTAMP, pd.Timestamp("2013-01-01T05:00Z"), "2013-01-01T05:00:00+00:00"),
    (TIMESTAMP, pd.NaT, None),
    (TIMESTAMP, np.datetime64("2013-01-01T05:00:00.000000000"), "2013-01-01T05:00:00"),
    (JSON, {"a": [1, None, math.nan, decimal.Decimal("1.10")]}, '{"a":[1,null,null,1.10]}'),
    (JSON, {"big": 2**70, "inf": decimal.Decimal("Infinity")}, f'{{"big":{2**70},"inf":null}}'),
    (JSON, "NaN", '"NaN"'),
    (JSON, np.array([1, 2]), "[1,2]"),
    (JSON, [np.float64(0.1), np.int64(3)], "[0.1,3]"),
]


@pytest.mark.parametrize(("kind", "result", "expected"), RIGHT)
def test_results_of_a_type_that_fits_are_taken(kind: FieldType, result: Any, expected: Any) -> None:
    def give(x: int) -> Any:
        return result if x else None

    with worker(scalar(give, kind, INT64)) as engine:
        response = engine.columns([1, 0, 1])
    assert not response.errors
    assert values(response, kind) == [expected, None, expected]


@pytest.mark.parametrize(
    ("kind", "result", "exception"),
    [
        (INT64, 2**63, "OverflowError"),
        (FLOAT64, 10**400, "OverflowError"),
        (STRING, "\ud800", "UnicodeEncodeError"),
        (JSON, object(), "TypeError"),
    ],
)
def test_a_result_that_does_not_fit_fails_its_row_alone(
    kind: FieldType, result: Any, exception: str
) -> None:
    def give(x: int) -> Any:
        return result if x else None

    with worker(scalar(give, kind, INT64)) as engine:
        response = engine.columns([0, 1, 0])
    assert [(e.row, e.exception) for e in response.errors] == [(1, exception)]


def test_text_columns_become_decimals_instants_and_json_values() -> None:
    def show(a: decimal.Decimal, b: datetime.datetime, c: datetime.date, d: list[int]) -> str:
        return f"{a!r} {b!r} {c!r} {d!r}"

    with worker(scalar(show, STRING, DECIMAL, TIMESTAMP, TIMESTAMP, JSON)) as engine:
        response = engine.columns(
            ["1.10", "x", "1", "1"],
            ["2013-01-01T00:00:00Z"] * 4,
            ["2013-01-02", "2013-01-02", "yesterday", "2013-01-02T03:04:05"],
            ["[1,2]", "[]", "[]", '["a"]'],
        )
    assert errors(response) == {
        1: ("ValueError", "'x' is no decimal number"),
        2: ("ValueError", "Invalid isoformat string: 'yesterday'"),
        3: ("ValidationError", "Expected `int`, got `str` - at `$[0]`"),
    }
    instant = datetime.datetime(2013, 1, 1, tzinfo=UTC)
    expected = show(decimal.Decimal("1.10"), instant, datetime.date(2013, 1, 2), [1, 2])
    assert values(response, STRING)[0] == expected


def test_rows_that_cannot_be_read_are_not_called() -> None:
    called = []

    def keep(x: decimal.Decimal) -> str:
        called.append(str(x))
        return str(x)

    with worker(scalar(keep, STRING, DECIMAL)) as engine:
        response = engine.columns(["1", "x", "2", "", "3"])
    assert called == ["1", "2", "3"]
    assert values(response, STRING)[::2] == called
    assert sorted(errors(response)) == [1, 3]


def test_text_that_is_no_utf8_fails_its_row_alone() -> None:
    def upper(s: str) -> str:
        return s.upper()

    described = scalar(upper, STRING, STRING)
    request = columns_request(described, ["aé", "bb", "c"])
    request.columns.columns[0].values = b"a\xc3\xa9\xff\xfec"
    with worker(described) as engine:
        (response,) = engine.run(request)
    assert [(e.row, e.exception) for e in response.errors] == [(1, "UnicodeDecodeError")]
    assert values(response, STRING)[::2] == ["AÉ", "C"]


def test_a_function_without_parameters_is_called_for_every_row() -> None:
    found = iter(range(100))

    def count() -> int:
        return next(found)

    described = scalar(count, INT64)
    with worker(described) as engine:
        first, second, empty = engine.run(
            *(columns_request(described, rows=rows) for rows in (3, 2, 0))
        )
    assert values(first, INT64) == [0, 1, 2]
    assert values(second, INT64) == [3, 4]
    assert empty.rows == 0


def test_an_exception_that_cannot_be_shown_still_fails_its_row() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise self

    def fail(x: int) -> int:
        raise MuteError

    with worker(scalar(fail, INT64, INT64)) as engine:
        (error,) = engine.columns([1]).errors
    assert "MuteError" in error.exception
    assert "the message of this exception raised" in error.message


def test_failed_calls_leave_no_values_behind() -> None:
    class Big:
        pass

    alive: list[weakref.ref[Big]] = []

    def hold(x: int) -> int:
        big = Big()
        alive.append(weakref.ref(big))
        raise ValueError(x)

    gc.disable()
    try:
        with worker(scalar(hold, INT64, INT64)) as engine:
            assert len(engine.columns([1, 2, 3]).errors) == 3
    finally:
        gc.enable()
    assert [ref() for ref in alive] == [None] * 3
