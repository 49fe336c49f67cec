"""An ambiguous signature is refused where it stands, with the sentence that says what to write."""

import decimal
import functools
import math
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import pyudf as pu
from pyudf.functions import define


@dataclass
class Reading:
    temp_f: float
    rh: float = 0.0


def unannotated(temp_f: float, rh) -> float:  # type: ignore[no-untyped-def]
    return temp_f


def no_result(temp_f: float):  # type: ignore[no-untyped-def]
    return temp_f


def only_none(temp_f: float) -> None:
    return None


def nothing() -> float:
    return 0.0


def star(*values: float) -> float:
    return 0.0


def stars(**values: float) -> float:
    return 0.0


def keyword(a: float, *, b: float) -> float:
    return a


def unknown(a: uuid.UUID) -> float:
    return 0.0


def union(a: int | str) -> float:
    return 0.0


def any_alone(row: Any) -> float:
    return 0.0


def record_and_field(row: Reading, temp_f: float) -> float:
    return 0.0


def optional_record(row: dict[str, Any] | None) -> float:
    return 0.0


def int_keys(row: dict[int, float], b: uuid.UUID) -> float:
    return 0.0


def mixed(a: pd.Series, b: float) -> pd.Series:
    return a


def mixed_batches(a: pd.Series, b: np.ndarray) -> pd.Series:
    return a


def two_frames(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    return a


def batch_to_scalar(a: pd.Series) -> float:
    return 0.0


def optional_batch(a: pd.Series | None) -> pd.Series:
    raise NotImplementedError


def complex_array(a: np.ndarray[Any, np.dtype[np.complex128]]) -> np.ndarray:
    return a


def arrow_list(a: pa.ListArray) -> pa.Array:
    return a


def frame(df: pd.DataFrame) -> pd.DataFrame:
    return df


def none_default(a: float = None) -> float:  # type: ignore[assignment] # noqa: RUF013
    return a


def wrong_default(a: float = "x") -> float:  # type: ignore[assignment]
    return a


def list_default(a: list[int] = [1]) -> float:  # noqa: B006
    return 0.0


def decimal_default(a: decimal.Decimal = decimal.Decimal(1)) -> float:
    return 0.0


async def later(a: float) -> float:
    return a


async def async_rows(row: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    yield row


def record_to_any(row: dict[str, Any]) -> Any:
    return row


def record_to_list(row: dict[str, Any]) -> list:  # type: ignore[type-arg]
    return [row]


def yields_dict(row: dict[str, Any]) -> dict[str, Any]:  # type: ignore[misc]
    yield row


def scalar_yields(a: float) -> Iterator[float]:
    yield a


def unresolved(a: "Missing") -> float:  # type: ignore[name-defined] # noqa: F821
    return 0.0


ANYTHING = "bool, int, float, str, Decimal, datetime, date, list, dict or Any"


@pytest.mark.parametrize(
    ("func", "sentence"),
    [
        (unannotated, f"unannotated: parameter rh has no annotation; for a field write {ANYTHING}"),
        (
            lambda x: x,
            "<lambda>: a lambda has no annotations, so its kind is not known; write a def",
        ),
        (no_result, "no_result: the result has no annotation; write -> bool, int, float"),
        (only_none, "only_none: the result is None for each row; write -> bool, int, float"),
        (nothing, "nothing takes no parameter; name a field as one, such as (temp_f: float)"),
        (star, "star: *values: float could be any field; name each field as a parameter"),
        (stars, "stars: **values: float could be any field; name each field as a parameter"),
        (keyword, "keyword: parameter b is keyword-only, and columns are passed by position"),
        (unknown, "unknown: parameter a is annotated UUID, which no field can be; for a field"),
        (union, "union: parameter a is annotated int | str, which no field can be; for a field"),
        (any_alone, "any_alone: parameter row: Any may be a field or the whole record; for the"),
        (
            record_and_field,
            "record_and_field: parameter row takes a whole record (Reading): it must be the only "
            "parameter",
        ),
        (optional_record, "parameter row takes the record, which is never None or left out"),
        (int_keys, "int_keys: parameter b is annotated UUID, which no field can be"),
        (mixed, "mixed: the parameters mix kinds: a is pandas.Series, b is a scalar; take all as"),
        (mixed_batches, "mix kinds: a is pandas.Series, b is numpy.ndarray; take all as scalars"),
        (two_frames, "a pandas.DataFrame holds all fields: take it as the only parameter"),
        (batch_to_scalar, "takes a batch, but its result is annotated float; write -> pd.Series"),
        (optional_batch, "parameter a takes a batch, which is never None or left out"),
        (complex_array, "parameter a holds complex128; possible are bool, int64, float64, str"),
        (arrow_list, "parameter a holds ListArray; possible are bool, int64, float64, str"),
        (none_default, "parameter a has the default None; annotate it with | None"),
        (wrong_default, "parameter a (float64) has the default 'x'; a default is None or a bool"),
        (list_default, "parameter a (json) has the default [1]; a default is None or a bool"),
        (decimal_default, "parameter a (decimal) has the default Decimal('1'); a default is None"),
        (later, "later is async, which this version does not run; write a plain def"),
        (async_rows, "async_rows is async, which this version does not run; write a plain def"),
        (record_to_any, "the result is annotated Any; write -> dict, a TypedDict, a dataclass"),
        (record_to_list, "the result is annotated list; write -> dict, a TypedDict, a dataclass"),
        (yields_dict, "yields, but its result is annotated dict[str, typing.Any]; write -> Iterat"),
        (scalar_yields, "yields several values a row; take the record as the one parameter"),
        (
            unresolved,
            "unresolved: annotation 'Missing' of a: name 'Missing' is not defined; import",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_refusal_points_at_the_function_and_says_what_to_write(
    func: Callable[..., Any], sentence: str
) -> None:
    with pytest.raises(pu.DefinitionError) as raised:
        define(func)
    assert sentence in str(raised.value)
    assert raised.value.origin.file == __file__
    assert raised.value.origin.line == func.__code__.co_firstlineno
    assert f"test_refusals.py:{raised.value.origin.line}: " in str(raised.value)


@pytest.mark.parametrize(
    "thing", [math.sqrt, np.sqrt, functools.partial(nothing), Reading, 3, "heat_index"]
)
def test_what_is_no_plain_function_is_refused_at_its_use(thing: Any) -> None:
    with pytest.raises(pu.DefinitionError, match="is no plain Python function; wrap it") as raised:
        define(thing)
    assert raised.value.origin.file == __file__


def heat(temp_f: float, rh: float) -> float:
    return temp_f + rh


def test_a_parameter_without_a_field_names_the_fields_and_the_nearest() -> None:
    with pytest.raises(pu.DefinitionError) as raised:
        define(heat, schema={"temp": float, "rh": float})
    assert str(raised.value).endswith(
        "heat: parameter temp_f: there is no field 'temp_f'; known fields: temp, rh; did you mean "
        "temp; name the parameter like a field, or bind it: pu.call(heat, temp_f=...)"
    )
    assert raised.value.origin.file == __file__


def test_a_parameter_of_another_type_than_its_field_is_refused() -> None:
    with pytest.raises(
        pu.DefinitionError,
        match="heat: parameter rh is read as float64, but field 'rh' is string here; annotate",
    ):
        define(heat, schema={"temp_f": float, "rh": str})


def test_a_binding_of_no_parameter_is_refused() -> None:
    with pytest.raises(
        pu.DefinitionError,
        match="there is no parameter 'temp' to bind; known parameters: temp_f, rh; did you mean",
    ):
        define(heat, bind={"temp": "t"})


def test_a_binding_of_a_whole_record_is_refused() -> None:
    def f(row: dict[str, Any]) -> float:
        return 0.0

    with pytest.raises(pu.DefinitionError, match="row takes all fields, it cannot be bound to one"):
        define(f, bind={"row": "payload"})


def test_a_parameter_named_like_a_field_is_not_taken_for_the_record() -> None:
    def f(payload: dict[str, Any]) -> float:
        return 0.0

    with pytest.raises(pu.DefinitionError, match="may be the whole record or the field 'payload'"):
        define(f, schema={"payload": dict})


def test_any_is_the_field_of_its_name_where_there_is_one() -> None:
    def f(payload: Any) -> float:
        return 0.0

    assert [p.name for p in define(f, schema={"payload": dict}).params] == ["payload"]


def test_a_record_class_with_a_required_field_that_does_not_exist_is_refused() -> None:
    def f(row: Reading) -> float:
        return 0.0

    define(f, schema={"temp_f": float})
    with pytest.raises(
        pu.DefinitionError, match=r"Reading of parameter row: there is no field 'temp_f'; known"
    ):
        define(f, schema={"temp": float})
    with pytest.raises(
        pu.DefinitionError, match="Reading of row is read as float64, but field 'temp_f' is string"
    ):
        define(f, schema={"temp_f": str})


def test_a_frame_without_a_schema_is_refused() -> None:
    with pytest.raises(
        pu.DefinitionError,
        match=r"frame: takes a pandas.DataFrame, but its columns are not known here; declare the",
    ):
        define(frame)


def test_options_with_impossible_values_are_refused() -> None:
    wrong: Any = "ignore"
    with pytest.raises(
        pu.DefinitionError, match=r'on_null=\'ignore\'; possible are "null", "call"'
    ):
        define(heat, on_null=wrong)
    with pytest.raises(
        pu.DefinitionError, match=r'on_error=\'ignore\'; possible are "dlq", "skip"'
    ):
        define(heat, on_error=wrong)
    for timeout in (0, -1, math.inf, math.nan, True, wrong):
        with pytest.raises(pu.DefinitionError, match="write seconds for one call, from"):
            define(heat, timeout=timeout)
    with pytest.raises(pu.DefinitionError, match="returns='ignore'; write a type such as float"):
        define(heat, returns=wrong)
