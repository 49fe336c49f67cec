"""Functions over batches: Series, arrays, frames and tables."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from worker_harness import columns_request, emitted, errors, values, vectorised, worker

from pyudf.functions import Container
from pyudf.types import FieldType

BOOL, INT64, FLOAT64 = FieldType.BOOL, FieldType.INT64, FieldType.FLOAT64
STRING, TIMESTAMP, JSON = FieldType.STRING, FieldType.TIMESTAMP, FieldType.JSON
FRAME = (("x", INT64), ("s", STRING))


@pytest.mark.parametrize("container", [Container.SERIES, Container.NDARRAY, Container.ARRAY])
def test_a_batch_goes_in_and_a_column_comes_out(container: Container) -> None:
    calls = []

    def product(x: Any, y: Any) -> Any:
        calls.append(type(x))
        return pc.multiply(x, y) if container is Container.ARRAY else x * y

    with worker(vectorised(product, container, FLOAT64, ("x", FLOAT64), ("y", INT64))) as engine:
        response = engine.columns([0.1, 0.2, 0.3], [1, 2, 3])
    assert values(response, FLOAT64) == [0.1 * 1, 0.2 * 2, 0.3 * 3]
    expected = {
        Container.SERIES: pd.Series,
        Container.NDARRAY: np.ndarray,
        Container.ARRAY: pa.DoubleArray,
    }
    assert calls == [expected[container]]


@pytest.mark.parametrize(
    ("kind", "given", "result"),
    [
        (BOOL, [True, False] * 9, [False, True] * 9),
        (STRING, ["a", "é"], ["A", "É"]),
        (INT64, [2**62, -1], [-(2**62), 1]),
        (JSON, ["[1]", '{"a":2}'], ["[[1]]", '[{"a":2}]']),
    ],
)
def test_every_type_travels_both_ways(kind: FieldType, given: list[Any], result: list[Any]) -> None:
    def change(x: pd.Series[Any]) -> Any:
        if kind is BOOL:
            return ~x
        if kind is STRING:
            return x.str.upper()
        return -x if kind is INT64 else x.map(lambda value: [value])

    with worker(vectorised(change, Container.SERIES, kind, ("x", kind))) as engine:
        response = engine.columns(given)
    assert not response.errors
    assert values(response, kind) == result


def test_instants_arrive_in_utc_and_leave_as_iso_text() -> None:
    def later(t: pd.Series[Any]) -> pd.Series[Any]:
        return t + pd.Timedelta("1h")

    with worker(vectorised(later, Container.SERIES, TIMESTAMP, ("t", TIMESTAMP))) as engine:
        response = engine.columns(["2013-01-01T00:00:00+02:00", None, "soon", "2013-01-01"])
    assert [error.row for error in response.errors] == [2]
    found = values(response, TIMESTAMP)
    assert found[:2] == ["2012-12-31T23:00:00+00:00", None]
    assert found[3] == "2013-01-01T01:00:00+00:00"


@pytest.mark.parametrize("container", [Container.SERIES, Container.NDARRAY, Container.ARRAY])
def test_rows_that_make_a_call_raise_are_found_and_the_others_come_through(
    container: Container,
) -> None:
    tried: Counter[int] = Counter()

    def picky(x: Any) -> Any:
        tried.update(x.tolist())
        if {17, 40} & set(x.tolist()):
            raise ValueError("17 or 40")  # noqa: EM101
        return x

    with worker(vectorised(picky, container, INT64, ("x", INT64))) as engine:
        response = engine.columns(list(range(64)))
    assert errors(response) == {17: ("ValueError", "17 or 40"), 40: ("ValueError", "17 or 40")}
    assert all("raise ValueError" in error.traceback for error in response.errors)
    found = values(response, INT64)
    assert [x for i, x in enumerate(found) if i not in (17, 40)] == [
        x for x in range(64) if x not in (17, 40)
    ]
    assert max(tried.values()) <= 7


def test_a_call_may_change_its_arguments() -> None:
    def clip(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x[x > 1] = 1
        if len(x) > 1:
            raise ValueError("again, row by row")  # noqa: EM101
        return x

    with worker(vectorised(clip, Container.NDARRAY, FLOAT64, ("x", FLOAT64))) as engine:
        response = engine.columns([0.5, 2.0, 3.0])
    assert values(response, FLOAT64) == [0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (np.zeros(2), "returned 2 values for 3 rows; return one value for each row"),
        (1.0, "returned float; return a Series"),
        (None, "returned NoneType; return a Series"),
        (np.zeros((3, 1)), "returned an array of 2 dimensions; return a Series"),
        (np.zeros(3, dtype=bool), "returned bool values where the column is float64"),
        (np.array(["a", "b", "c"]), "returned <U1 values where the column is float64"),
    ],
)
def test_a_result_of_the_wrong_length_or_type_fails_the_whole_call(
    result: Any, message: str
) -> None:
    calls = []

    def give(x: Any) -> Any:
        calls.append(len(x))
        return result

    with worker(vectorised(give, Container.NDARRAY, FLOAT64, ("x", FLOAT64))) as engine:
        response = engine.columns([1.0, 2.0, 3.0])
    assert [(e.row, e.exception, e.traceback) for e in response.errors] == [
        (row, "TypeError", "") for row in range(3)
    ]
    assert message in response.errors[0].message
    assert calls == [3]


def test_values_in_an_object_array_are_checked_row_by_row() -> None:
    def mixed(x: np.ndarray[Any, Any]) -> Any:
        return np.array([1, None, "x", 2.5], dtype=object)

    with worker(vectorised(mixed, Container.NDARRAY, FLOAT64, ("x", FLOAT64))) as engine:
        response = engine.columns([0.0] * 4)
    assert [error.row for error in response.errors] == [2]
    found = values(response, FLOAT64)
    assert found[:2] == [1.0, None]
    assert found[3] == 2.5


def test_nulls_are_nan_in_numbers_none_in_objects_and_null_in_arrow() -> None:
    seen: list[Any] = []

    def keep(*columns: Any) -> Any:
        seen.extend(columns)
        return np.zeros(2)

    kinds = (("f", FLOAT64), ("i", INT64), ("b", BOOL), ("s", STRING))
    sent = ([1.5, None], [7, None], [True, None], ["a", None])
    for container in (Container.SERIES, Container.ARRAY):
        described = vectorised(keep, container, FLOAT64, *kinds, nullable=True)
        with worker(described) as engine:
            assert not engine.columns(*sent).errors
    f, i, b, s = seen[:4]
    assert (f.dtype, i.dtype, b.dtype, s.dtype) == (np.float64, np.float64, object, object)
    assert np.isnan([f[1], i[1]]).all()
    assert (f[0], i[0], b[0], s[0]) == (1.5, 7.0, True, "a")
    assert b[1] is s[1] is None
    assert [array.to_pylist() for array in seen[4:]] == [list(column) for column in sent]


def test_the_type_of_a_nullable_column_does_not_depend_on_the_batch() -> None:
    seen = []

    def keep(i: Any, b: Any) -> Any:
        seen.append((i.dtype, b.dtype))
        return i

    described = vectorised(
        keep, Container.NDARRAY, FLOAT64, ("i", INT64), ("b", BOOL), nullable=True
    )
    with worker(described) as engine:
        engine.columns([1, 2], [True, False])
        engine.columns([1, None], [True, None])
    assert seen[0] == seen[1]


def test_a_series_in_another_order_is_matched_by_its_index() -> None:
    def ranked(x: pd.Series[Any]) -> pd.Series[Any]:
        return x.sort_values() * 10

    with worker(vectorised(ranked, Container.SERIES, INT64, ("x", INT64))) as engine:
        assert values(engine.columns([3, 1, 2]), INT64) == [30, 10, 20]


def test_a_frame_gives_records_that_name_their_rows() -> None:
    def big(df: pd.DataFrame) -> pd.DataFrame:
        return df[df.x > 1].assign(half=df.x / 2, t=pd.Timestamp("2013-01-01")).iloc[::-1]

    with worker(vectorised(big, Container.FRAME, None, *FRAME)) as engine:
        response = engine.columns([1, 2, 9007199254740993], ["a", None, "ç"])
    assert not response.errors
    first, second = emitted(response)
    assert first == (1, '{"x":2,"s":null,"half":1.0,"t":"2013-01-01T00:00:00"}')
    assert second[0] == 2
    assert json.loads(second[1])["x"] == 9007199254740993
    assert json.loads(second[1])["s"] == "ç"


def test_missing_values_of_a_frame_are_null() -> None:
    def gaps(df: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "f": [np.nan],
                "t": [pd.NaT],
                "i": pd.array([None], dtype="Int64"),
                "s": pd.array([None], dtype="str"),
            }
        )

    with worker(vectorised(gaps, Container.FRAME, None, *FRAME)) as engine:
        response = engine.columns([1], ["a"])
    assert emitted(response) == [(0, '{"f":null,"t":null,"i":null,"s":null}')]


def test_a_frame_of_several_rows_a_row_names_each_by_its_index() -> None:
    def words(df: pd.DataFrame) -> pd.DataFrame:
        return df.assign(s=df.s.str.split()).explode("s")

    with worker(vectorised(words, Container.FRAME, None, *FRAME)) as engine:
        response = engine.columns([1, 2], ["a b", "c"])
    assert emitted(response) == [
        (0, '{"x":1,"s":"a"}'),
        (0, '{"x":1,"s":"b"}'),
        (1, '{"x":2,"s":"c"}'),
    ]


def test_a_frame_whose_index_names_no_rows_fails_the_call() -> None:
    def totals(df: pd.DataFrame) -> pd.DataFrame:
        return df.groupby("s").sum()

    with worker(vectorised(totals, Container.FRAME, None, *FRAME)) as engine:
        response = engine.columns([1, 2, 3], ["a", "b", "a"])
    assert [error.row for error in response.errors] == [0, 1, 2]
    assert "totals returned 2 rows for 3; keep the index" in response.errors[0].message


def test_rows_of_a_frame_that_raise_are_found() -> None:
    def risky(df: pd.DataFrame) -> pd.DataFrame:
        return df.assign(n=df.s.map(int))

    with worker(vectorised(risky, Container.FRAME, None, *FRAME)) as engine:
        response = engine.columns([1, 2, 3, 4], ["1", "x", "3", "4"])
    assert [(e.row, e.exception) for e in response.errors] == [(1, "ValueError")]
    assert [row for row, _ in emitted(response)] == [0, 2, 3]
    assert emitted(response)[1][1] == '{"x":3,"s":"3","n":3}'


def test_a_table_goes_in_and_records_come_out_by_position() -> None:
    def doubled(table: pa.Table) -> pa.Table:
        return table.append_column("y", pc.multiply(table["x"], 2))

    with worker(vectorised(doubled, Container.TABLE, None, *FRAME)) as engine:
        response = engine.columns([1, 2], ["a", None])
    assert emitted(response) == [(0, '{"x":1,"s":"a","y":2}'), (1, '{"x":2,"s":null,"y":4}')]


def test_a_table_of_another_length_fails_the_call() -> None:
    def cut(table: pa.Table) -> pa.Table:
        return table.slice(1)

    with worker(vectorised(cut, Container.TABLE, None, *FRAME)) as engine:
        response = engine.columns([1, 2], ["a", None])
    assert "a Table has no index" in response.errors[1].message


def test_text_that_is_no_utf8_never_reaches_arrow() -> None:
    def same(s: pa.StringArray) -> pa.StringArray:
        s.validate(full=True)
        return s

    described = vectorised(same, Container.ARRAY, STRING, ("s", STRING))
    request = columns_request(described, ["ab", "cd", "ef"])
    request.columns.columns[0].values = b"ab\xff\xfeef"
    with worker(described) as engine:
        (response,) = engine.run(request)
    assert [error.row for error in response.errors] == [1]
    assert values(response, STRING)[::2] == ["ab", "ef"]
