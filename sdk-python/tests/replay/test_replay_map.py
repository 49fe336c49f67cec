"""Functions over rows: the replay against a plain Python model, for every library and any cut."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyudf as pu
from pyudf._job import Request
from pyudf._replaying import run
from pyudf.errors import ReplayError

finite = st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"x": st.none() | finite, "n": st.integers(-(2**63), 2**63 - 1), "s": st.text()}
    ),
    min_size=1,
    max_size=40,
)


def half(x: float) -> float:
    return x / 3


def app_of_halves() -> pu.App:
    app = pu.App("halves")
    rows = app.topic("rows", schema={"x": float | None, "n": int, "s": str})
    rows.with_columns(h=half).where(pu.col("n") % 2 == 0).to("even")
    return app


def model(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**row, "h": None if row["x"] is None else row["x"] / 3}
        for row in rows
        if row["n"] % 2 == 0
    ]


@settings(max_examples=8, deadline=None)
@given(rows=ROWS, cut=st.integers(1, 50))
def test_a_table_gives_what_python_gives_bit_for_bit_in_any_cut(
    rows: list[dict[str, Any]], cut: int
) -> None:
    schema = pa.schema({"x": pa.float64(), "n": pa.int64(), "s": pa.string()})
    table = pa.Table.from_pylist(rows, schema)
    graph = app_of_halves()._graph  # noqa: SLF001 - the cut is no option of users
    found = run(graph, Request({"rows": table}, rows=cut))["even"]
    assert found.to_pylist() == model(rows)
    assert found.schema.field("x").type == pa.float64()


@settings(max_examples=6, deadline=None)
@given(rows=ROWS)
def test_records_and_tables_give_the_same(rows: list[dict[str, Any]]) -> None:
    app = app_of_halves()
    assert app.replay(rows)["even"].to_pylist() == model(rows)


def test_frames_come_back_in_their_own_library() -> None:
    def twice(n: int) -> int:
        return 2 * n

    app = pu.App("twice")
    app.topic("numbers").with_columns(m=twice).to("doubled")
    rows = {"n": [1, 2, 2**61], "s": ["a", None, "c"]}
    frame = app.replay(pd.DataFrame(rows))["doubled"]
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == ["n", "s", "m"]
    assert isinstance(app.replay(pl.DataFrame(rows | {"n": [1, 2, 3]}))["doubled"], pl.DataFrame)
    assert isinstance(app.replay(pa.table(rows | {"n": [1, 2, 3]}))["doubled"], pa.Table)


def test_what_json_has_no_number_for_is_null() -> None:
    def same(x: float | None) -> float | None:
        return x

    app = pu.App("odd")
    app.topic("rows").with_columns(y=same).to("out")
    for frame in (
        pd.DataFrame({"x": [1.5, math.nan, math.inf]}),
        pa.table({"x": [1.5, math.nan, -math.inf]}),
        pl.DataFrame({"x": [1.5, math.nan, math.inf]}),
        [{"x": 1.5}, {"x": None}, {"x": math.inf}],
    ):
        found = app.replay(frame)["out"]
        values = found["y"].to_list() if hasattr(found["y"], "to_list") else found["y"].to_pylist()
        assert values[0] == 1.5
        assert all(v is None or math.isnan(v) for v in values[1:])


def test_columns_that_nothing_touches_keep_their_type() -> None:
    frame = pd.DataFrame(
        {
            "x": [1.0, 2.0],
            "when": pd.to_datetime(["2024-01-01", "2024-01-02"]).tz_localize("Europe/Berlin"),
            "kind": pd.Categorical(["a", "b"]),
            "small": pd.array([1, None], dtype="Int8"),
            "nested": [{"a": [1, 2]}, ["b", None]],
        }
    )
    app = pu.App("kept")
    app.topic("rows").with_columns(h=half).to("out")
    found = app.replay(frame)["out"]
    pd.testing.assert_frame_equal(found.drop(columns="h"), frame)


def test_whole_records_are_what_json_makes_of_them() -> None:
    import datetime  # noqa: PLC0415
    import decimal  # noqa: PLC0415

    table = pa.table(
        {
            "when": pa.array([1714566600250000], pa.timestamp("us")),
            "day": pa.array([datetime.date(2024, 5, 1)]),
            "price": pa.array([decimal.Decimal("12345678901234567.89")]),
            "large": pa.array([2**64 - 1], pa.uint64()),
            "raw": pa.array([b"\x00\xff"]),
            "tags": pa.array([["a", "b"]]),
            "of": pa.array([{"x": 1, "y": None}]),
            "f": pa.array([0.1], pa.float32()),
        }
    )
    seen: list[dict[str, Any]] = []

    def same(row: dict[str, Any]) -> dict[str, Any]:
        seen.append(row)
        return row

    app = pu.App("whole")
    rows = app.topic("rows")
    rows.map(same).to("out")
    app.replay(table)
    assert seen == [
        {
            "when": "2024-05-01T12:30:00.25Z",
            "day": "2024-05-01",
            "price": 12345678901234567.89,
            "large": 2**64 - 1,
            "raw": "AP8=",
            "tags": ["a", "b"],
            "of": {"x": 1, "y": None},
            "f": 0.10000000149011612,
        }
    ]


def test_integers_beyond_floats_stay_exact_with_nulls() -> None:
    def same(n: int | None) -> int | None:
        return n

    app = pu.App("large")
    app.topic("rows").with_columns(m=same).to("out")
    found = app.replay([{"n": 2**53 + 1}, {"n": None}])["out"]
    assert found["m"].to_pylist() == [2**53 + 1, None]
    frame = pd.DataFrame({"n": pd.array([2**53 + 1, None], dtype="Int64")})
    assert app.replay(frame)["out"]["m"].tolist()[0] == 2**53 + 1


def test_missing_fields_of_records_are_missing_as_in_the_stream() -> None:
    def needs(x: float) -> float:
        return x

    app = pu.App("missing")
    app.topic("rows").with_columns(y=needs).to("out")
    replay = app.replay([{"x": 1.0}, {"z": 2.0}], errors="collect")
    assert replay["out"].to_pylist() == [{"x": 1.0, "y": 1.0}]
    assert replay.dead.column("reason").to_pylist() == ["missing_field"]
    assert replay.dead.column("value").to_pylist() == ['{"z":2.0}']


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"row": []}, "the app reads no 'row'; known sources: rows; did you mean rows?"),
        ({}, "there is no data for topic 'rows'"),
        ({"rows": 3}, "the data for topic 'rows': it is int; give a DataFrame"),
        ({"rows": "x.txt"}, "does not end on .csv"),
        ({"rows": "none.csv"}, "there is no such file"),
        ({"rows": pa.table({"y": [1.0]})}, "no column 'x', which is read by half"),
        ({"rows": pa.table({"x": ["a"], "n": [1]})}, "'x' of the data for topic 'rows' is string"),
        ({"rows": [1]}, "item 0 of the list is int; give dicts"),
    ],
)
def test_data_that_does_not_fit_is_refused_in_a_sentence(
    data: dict[str, Any], message: str
) -> None:
    with pytest.raises(ReplayError) as err:
        app_of_halves().replay(data)
    assert message in str(err.value)
