"""Functions over the rows of a group."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from group_harness import group_function, over_columns, over_records, run
from worker_harness import errors, from_column, worker

from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

FLOAT64 = FieldType.FLOAT64


def found(response: worker_pb2.RunResponse, groups: int, kind: FieldType = FLOAT64) -> list[Any]:
    values: list[Any] = from_column(kind, response.column, groups).to_pylist()
    return values


def series(x: pd.Series[float]) -> float:
    return float(x.sum())


def array(x: npt.NDArray[np.float64]) -> float:
    return float(x.sum())


def arrow(x: pa.DoubleArray) -> float:
    return pc.sum(x).as_py() or 0.0


def lists(x: list[float]) -> float:
    assert type(x) is list
    return sum(x)


def frame(df: pd.DataFrame) -> float:
    assert list(df.index) == list(range(len(df)))
    return float(df["x"].sum())


def table(rows: pa.Table) -> float:
    return pc.sum(rows["x"]).as_py() or 0.0


@pytest.mark.parametrize("call", [series, array, arrow, lists, frame, table])
def test_a_group_goes_in_and_one_value_comes_out(call: Any) -> None:
    function = group_function(call, {"x": float})
    with worker(function) as engine:
        (response,) = engine.run(over_columns(function, [2, 0, 3], [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert response.rows == 5
    assert found(response, 3) == [3.0, 0.0, 12.0]
    assert not response.errors


@dataclass
class Order:
    amount: float


def total(orders: list[Order]) -> float:
    return sum(order.amount for order in orders)


def test_records_come_as_a_list_of_their_class() -> None:
    function = group_function(total)
    rows = ['{"amount":1}', '{"amount":2}', '{"amount":4}']
    assert found(run(function, over_records(function, [2, 1], *rows)), 2) == [3.0, 4.0]


def test_a_group_fails_if_its_call_raises_or_a_row_cannot_be_read() -> None:
    function = group_function(total)
    rows = ['{"amount":1}', '{"amount":"x"}', '{"amount":4}', '{"amount":5}']
    response = run(function, over_records(function, [1, 0, 2, 1], *rows))
    assert errors(response) == {
        2: ("ValidationError", "Expected `float`, got `str` - at `$.amount`")
    }
    assert found(response, 4) == [1.0, 0.0, None, 5.0]

    def picky(x: list[float]) -> float:
        return 1 / sum(x)

    function = group_function(picky)
    response = run(function, over_columns(function, [1, 1, 0], [1.0, 2.0]))
    assert errors(response) == {2: ("ZeroDivisionError", "division by zero")}
    assert found(response, 3)[:2] == [1.0, 0.5]


def test_a_result_of_the_wrong_type_fails_its_group() -> None:
    def wrong(x: list[float]) -> float:
        return "x" if len(x) > 1 else np.float64(2.5)  # type: ignore[return-value]

    function = group_function(wrong)
    response = run(function, over_columns(function, [1, 2], [1.0, 2.0, 3.0]))
    assert list(errors(response)) == [1]
    assert found(response, 2)[0] == 2.5


def test_a_window_may_have_a_value_of_several_parts() -> None:
    def span(x: list[float]) -> dict[str, float]:
        return {"min": min(x), "max": max(x)}

    function = group_function(span)
    response = run(function, over_columns(function, [2], [3.0, 1.0]))
    assert found(response, 1, FieldType.JSON) == ['{"min":1.0,"max":3.0}']


def spoil_array(x: npt.NDArray[np.float64]) -> float:
    before = float(x.sum())
    x[:] = 100.0
    return before


def spoil_series(x: pd.Series[float]) -> float:
    before = float(x.sum())
    x[:] = 100.0
    return before


def spoil_frame(df: pd.DataFrame) -> float:
    before = float(df["x"].sum())
    df.loc[:, "x"] = 100.0
    return before


def spoil_list(x: list[float]) -> float:
    before = sum(x)
    x.clear()
    return before


@pytest.mark.parametrize("call", [spoil_array, spoil_series, spoil_frame, spoil_list])
def test_what_one_group_does_to_its_values_no_other_sees(call: Any) -> None:
    function = group_function(call, {"x": float})
    response = run(function, over_columns(function, [2, 1, 1], [1.0, 2.0, 3.0, 4.0]))
    assert found(response, 3) == [3.0, 3.0, 4.0]


def test_groups_without_rows_are_calls_too() -> None:
    for call in (lists, frame, table):
        function = group_function(call, {"x": float})
        assert found(run(function, over_columns(function, [0, 0], [])), 2) == [0.0, 0.0]


def test_lists_of_numbers_need_no_numpy() -> None:
    program = (
        "import sys; import pyudf as pu\n"
        "from pyudf._groups import derive_group\n"
        "from pyudf._worker.execute import executor\n"
        "from pyudf.errors import Origin\n"
        "from pyudf.functions import Options\n"
        "from pyudf.schema import Fields\n"
        "def f(x: list[float]) -> float: ...\n"
        "def g(v: float, last: pu.State[dict[str, int]]) -> float: ...\n"
        "executor(derive_group(f, Fields(), {}, Options(), Origin('x', 1)))\n"
        "executor(pu.define(g))\n"
        "print([m for m in ('numpy', 'pandas', 'pyarrow') if m in sys.modules])\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert out.stdout == "[]\n"
