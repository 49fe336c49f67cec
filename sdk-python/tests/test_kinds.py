"""The kind of a function follows from its signature."""

from __future__ import annotations

import datetime
import functools
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, NewType, TypedDict

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pydantic
import pytest

from pyudf.functions import Container, Function, Output, define
from pyudf.types import FieldType

Celsius = NewType("Celsius", float)


class Typed(TypedDict):
    temp_f: float


@dataclass
class Data:
    temp_f: float


class Struct(msgspec.Struct):
    temp_f: float


class Model(pydantic.BaseModel):
    temp_f: float


def only(function: Function) -> tuple[FieldType, bool, Any]:
    (param,) = function.params
    return param.type, param.nullable, param.annotation


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (bool, FieldType.BOOL),
        (int, FieldType.INT64),
        (float, FieldType.FLOAT64),
        (str, FieldType.STRING),
        (Decimal, FieldType.DECIMAL),
        (datetime.datetime, FieldType.TIMESTAMP),
        (datetime.date, FieldType.TIMESTAMP),
        (list, FieldType.JSON),
        (list[int], FieldType.JSON),
    ],
)
def test_a_scalar_annotation_gives_the_type_of_its_column(
    annotation: Any, expected: FieldType
) -> None:
    def f(x: float) -> float:
        return x

    f.__annotations__ = {"x": annotation, "return": annotation}
    function = define(f)
    assert function.container is Container.SCALAR
    assert only(function) == (expected, False, annotation)
    assert (function.output, function.result) == (Output.COLUMN, annotation)
    assert function.result_type is expected

    f.__annotations__ = {"x": annotation | None, "return": annotation | None}
    optional = define(f)
    assert only(optional) == (expected, True, annotation | None)
    assert optional.result == annotation


def test_a_dict_beside_other_parameters_is_a_json_field() -> None:
    def f(temp_f: float, tags: dict[str, Any], extra: Any) -> float:
        return temp_f

    assert [p.type for p in define(f).params] == [
        FieldType.FLOAT64,
        FieldType.JSON,
        FieldType.JSON,
    ]


def test_annotated_and_newtype_mean_what_they_wrap() -> None:
    def f(a: Annotated[float, "degrees"], b: Celsius, c: Annotated[int, 1] | None) -> Celsius:
        return Celsius(a)

    function = define(f)
    assert [p.annotation for p in function.params] == [float, float, int | None]
    assert function.result is float


def test_defaults_are_kept_and_others_marked_empty() -> None:
    def f(a: float, b: float = 1, c: str = "x", d: int | None = None, e: bool = True) -> float:
        return a

    empty = inspect.Parameter.empty
    defaults = [p.default for p in define(f).params]
    assert defaults == [empty, 1.0, "x", None, True]
    assert type(defaults[1]) is float


def test_a_function_says_where_it_is_defined() -> None:
    def f(x: float) -> float:
        return x

    function = define(f, on_null="dlq", on_error="skip", timeout=2)
    assert function.file == __file__
    assert function.line == f.__code__.co_firstlineno
    assert function.name == "f"
    assert function.id == f"{__name__}:{f.__qualname__}"
    assert function.call is f
    assert (function.on_null, function.on_error, function.timeout) == ("dlq", "skip", 2.0)


def test_a_wrapped_function_has_the_signature_of_what_it_wraps() -> None:
    @functools.lru_cache
    def f(x: float) -> float:
        return x

    function = define(f)
    assert function.call is f
    assert function.params[0].annotation is float
    assert function.file == __file__


class Model2:
    def score(self, x: float) -> float:
        return x


def test_a_bound_method_is_a_function() -> None:
    function = define(Model2().score)
    assert [p.name for p in function.params] == ["x"]


@pytest.mark.parametrize("record", [dict, dict[str, float], Typed, Data, Struct, Model])
def test_the_only_parameter_may_be_the_whole_record(record: Any) -> None:
    def f(row: Any) -> Any:
        return row

    f.__annotations__ = {"row": record, "return": record | None}
    function = define(f)
    assert function.container is Container.RECORD
    assert function.record_type == record
    assert function.params == ()
    assert function.argument == "row"
    assert (function.output, function.result, function.many) == (Output.RECORDS, record, False)
    assert function.result_type is None


def as_list(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [row]


def as_iterable(row: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return [row]


def as_iterator(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield row


def as_generator(row: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
    yield row


@pytest.mark.parametrize("func", [as_list, as_iterable, as_iterator, as_generator])
def test_an_iterable_of_records_is_a_flat_map(func: Callable[..., Any]) -> None:
    function = define(func)
    assert (function.output, function.result, function.many) == (
        Output.RECORDS,
        dict[str, Any],
        True,
    )


def test_a_record_function_may_give_a_column() -> None:
    def size(row: dict[str, Any]) -> int:
        return len(row)

    def names(row: dict[str, Any]) -> list[str]:
        return list(row)

    assert (define(size).output, define(size).result_type) == (Output.COLUMN, FieldType.INT64)
    assert (define(names).output, define(names).result_type) == (Output.COLUMN, FieldType.JSON)


def test_a_scalar_function_may_give_a_json_column() -> None:
    def pair(a: float, b: float) -> dict[str, float]:
        return {"a": a, "b": b}

    def data(a: float, b: float) -> Data:
        return Data(a)

    for func in (pair, data):
        function = define(func)
        assert (function.output, function.result_type) == (Output.COLUMN, FieldType.JSON)


def over_series(a: pd.Series, b: pd.Series) -> pd.Series:
    return a


def over_arrays(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a


def over_typed_arrays(a: npt.NDArray[np.float64], b: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return a


def over_arrow(a: pa.Array, b: pa.Array) -> pa.Array:
    return a


@pytest.mark.parametrize(
    ("func", "container"),
    [
        (over_series, Container.SERIES),
        (over_arrays, Container.NDARRAY),
        (over_typed_arrays, Container.NDARRAY),
        (over_arrow, Container.ARRAY),
    ],
)
def test_batch_annotations_take_a_batch_of_each_field(
    func: Callable[..., Any], container: Container
) -> None:
    function = define(func)
    assert function.container is container
    assert [(p.name, p.type, p.nullable) for p in function.params] == [
        ("a", FieldType.FLOAT64, False),
        ("b", FieldType.FLOAT64, False),
    ]
    assert (function.output, function.result_type) == (Output.COLUMN, FieldType.FLOAT64)
    assert function.argument is None


def test_batch_columns_have_the_type_of_the_schema() -> None:
    function = define(over_series, schema={"a": int, "b": str})
    assert [p.type for p in function.params] == [FieldType.INT64, FieldType.STRING]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float64, FieldType.FLOAT64),
        (np.float32, FieldType.FLOAT64),
        (np.int64, FieldType.INT64),
        (np.bool_, FieldType.BOOL),
        (np.str_, FieldType.STRING),
        (np.datetime64, FieldType.TIMESTAMP),
    ],
)
def test_the_dtype_of_an_array_is_its_columns_type(dtype: Any, expected: FieldType) -> None:
    def f(a: Any) -> Any:
        return a

    f.__annotations__ = {"a": npt.NDArray[dtype], "return": npt.NDArray[dtype]}
    function = define(f)
    assert function.params[0].type is expected
    assert function.result_type is expected


def test_arrow_array_classes_say_their_type() -> None:
    def f(a: pa.Int64Array, b: pa.StringArray) -> pa.BooleanArray:
        return pa.array([True])

    function = define(f)
    assert [p.type for p in function.params] == [FieldType.INT64, FieldType.STRING]
    assert function.result_type is FieldType.BOOL


def test_a_series_annotated_for_type_checkers_says_its_type() -> None:
    def f(a: pd.Series[int], b: pd.Series[float]) -> pd.Series[str]:
        raise NotImplementedError

    function = define(f)
    assert [(p.type, p.annotation) for p in function.params] == [
        (FieldType.INT64, pd.Series),
        (FieldType.FLOAT64, pd.Series),
    ]
    assert (function.result_type, function.result) == (FieldType.STRING, pd.Series)


def frame(df: pd.DataFrame) -> pd.DataFrame:
    return df


def table(batch: pa.Table) -> pa.Table:
    return batch


def frame_column(df: pd.DataFrame) -> pd.Series:
    return df["a"]


@pytest.mark.parametrize(
    ("func", "container", "output"),
    [
        (frame, Container.FRAME, Output.RECORDS),
        (table, Container.TABLE, Output.RECORDS),
        (frame_column, Container.FRAME, Output.COLUMN),
    ],
)
def test_a_frame_or_table_takes_all_fields_of_the_schema(
    func: Callable[..., Any], container: Container, output: Output
) -> None:
    function = define(func, schema={"a": float, "b": int | None, "c": "timestamp"})
    assert function.container is container
    assert function.argument == next(iter(inspect.signature(func).parameters))
    assert [(p.name, p.type, p.nullable) for p in function.params] == [
        ("a", FieldType.FLOAT64, True),
        ("b", FieldType.INT64, True),
        ("c", FieldType.TIMESTAMP, True),
    ]
    assert function.output is output


def test_returns_sets_the_type_of_a_batch_result() -> None:
    assert define(over_series, returns=int).result_type is FieldType.INT64
    assert define(over_arrow, returns="string").result_type is FieldType.STRING


def test_returns_stands_for_a_missing_annotation() -> None:
    def f(x: float) -> Any:
        return x

    del f.__annotations__["return"]
    function = define(f, returns=float)
    assert (function.result, function.result_type) == (float, FieldType.FLOAT64)
    named = define(f, returns="int64")
    assert (named.result, named.result_type) == (int, FieldType.INT64)


def test_bound_parameters_read_other_fields() -> None:
    def f(a: float) -> float:
        return a

    function = define(f, schema={"temp_f": float}, bind={"a": "temp_f"})
    assert [p.name for p in function.params] == ["a"]


def test_definitions_cannot_be_changed() -> None:
    def f(a: float) -> float:
        return a

    function: Any = define(f)
    with pytest.raises(AttributeError):
        function.name = "g"
