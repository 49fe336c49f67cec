"""States as bytes: what goes in comes out, and what could not is refused."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import struct
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypedDict

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pydantic
import pytest
from group_harness import aggregator
from hypothesis import given
from hypothesis import strategies as st

import pyudf as pu
from pyudf._worker.states import Codec, aggregator_codec, state_codec
from pyudf.errors import LoadError


def f(row: dict[str, Any]) -> dict[str, Any]:
    return row


FUNCTION = pu.define(f)


def codec(annotation: Any) -> Codec:
    return state_codec(FUNCTION, "last", annotation)


class Color(enum.Enum):
    RED = "red"


@dataclass
class Visit:
    at: datetime.datetime
    path: list[str] = field(default_factory=list)
    before: Visit | None = None


class Point(msgspec.Struct):
    x: float
    where: tuple[int, str]


class Pair(NamedTuple):
    a: int
    b: float


class Cart(TypedDict):
    items: dict[str, int]


class Order(pydantic.BaseModel):
    id: int
    placed: datetime.datetime
    total: float


class Counter:
    def __init__(self, counts: dict[str, int]) -> None:
        self.counts = counts

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self.counts) if self.counts else b""

    @staticmethod
    def decode(data: bytes) -> Counter:
        return Counter(msgspec.msgpack.decode(data) if data else {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counter) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Model:
    """A dataclass with what msgspec leaves to others."""

    weights: npt.NDArray[np.float64]
    counter: Counter
    recent: list[pd.DataFrame]


UTC = datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (float, -0.0),
        (float, math.inf),
        (int, -(2**63)),
        (int, 2**64 - 1),
        (bool, True),
        (str, "\u00e9\0"),
        (bytes, b"\xff"),
        (decimal.Decimal, decimal.Decimal("1.10")),
        (datetime.datetime, UTC),
        (datetime.datetime, datetime.datetime(2024, 1, 1)),  # noqa: DTZ001
        (datetime.date, datetime.date(1, 1, 1)),
        (datetime.timedelta, datetime.timedelta(days=-1, microseconds=1)),
        (uuid.UUID, uuid.UUID(int=7)),
        (Color, Color.RED),
        (list[float], [1.0, 2.0]),
        (set[str], {"a", "b"}),
        (tuple[int, ...], (1, 2)),
        (dict[int, str], {1: "a"}),
        (int | str | None, None),
        (Visit, Visit(UTC, ["/"], Visit(UTC))),
        (Point, Point(0.1, (1, "a"))),
        (Pair, Pair(1, 2.0)),
        (Cart, {"items": {"a": 1}}),
        (Order, Order(id=1, placed=UTC, total=0.1)),
        (Counter, Counter({"a": 1})),
        (Counter, Counter({})),
        (list[Counter], [Counter({"a": 1}), Counter({})]),
        (Any, {"a": [1, 2.5, None, "b"]}),
    ],
)
def test_what_was_set_is_what_comes_back(annotation: Any, value: Any) -> None:
    made = codec(annotation)
    back = made.decode(made.encode(value))
    assert back == value
    assert type(back) is type(value)


@given(st.binary(min_size=8, max_size=8))
def test_every_float_comes_back_bit_for_bit(bits: bytes) -> None:
    (value,) = struct.unpack("<d", bits)
    back = codec(float).decode(codec(float).encode(value))
    assert struct.pack("<d", back) == struct.pack("<d", value)


@pytest.mark.parametrize(
    "array",
    [
        np.array([0.1, -0.0, np.nan, np.inf]),
        np.arange(6, dtype=np.int8).reshape(2, 3).T,
        np.array([], dtype="<U5"),
        np.array(["2024-01-01", "NaT"], dtype="datetime64[ms]"),
        np.array(3.5),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    ],
)
def test_arrays_come_back_with_their_bits_and_may_be_changed(array: npt.NDArray[Any]) -> None:
    for annotation in (np.ndarray, npt.NDArray[np.float64]):
        back = codec(annotation).decode(codec(annotation).encode(array))
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert back.tobytes() == array.tobytes()
        assert back.flags.writeable


def test_frames_come_back_with_index_and_dtypes_and_may_be_changed() -> None:
    frame = pd.DataFrame(
        {
            "x": [0.1, np.nan, np.inf],
            "n": np.array([1, 2, 3], dtype=np.int32),
            "s": ["a", "\u00e9", None],
            "t": pd.DatetimeIndex(["2024-01-01", "NaT", "2024-01-03"], tz="UTC"),
        },
        index=pd.Index([3, 1, 2], name="station"),
    )
    back = codec(pd.DataFrame).decode(codec(pd.DataFrame).encode(frame))
    pd.testing.assert_frame_equal(back, frame)
    back.loc[1, "x"] = 5.0
    back["n"] += 1
    assert back["x"].tolist()[1] == 5.0
    empty = pd.DataFrame()
    assert codec(pd.DataFrame).decode(codec(pd.DataFrame).encode(empty)).empty


@pytest.mark.parametrize("name", [None, "x", 3])
def test_a_series_comes_back_with_index_and_name(name: Any) -> None:
    series = pd.Series([1.5, np.nan], index=["a", "b"], name=name)
    back = codec(pd.Series).decode(codec(pd.Series).encode(series))
    pd.testing.assert_series_equal(back, series)
    back["a"] = 2.0
    assert back["a"] == 2.0


def test_tables_and_what_holds_arrays_come_back() -> None:
    table = pa.table({"a": [1, None], "b": ["x", "y"]})
    assert codec(pa.Table).decode(codec(pa.Table).encode(table)).equals(table)
    model = Model(np.array([1.0, 2.0]), Counter({"a": 2}), [pd.DataFrame({"x": [1]})])
    back = codec(Model).decode(codec(Model).encode(model))
    assert back.weights.tolist() == [1.0, 2.0]
    assert back.counter == model.counter
    pd.testing.assert_frame_equal(back.recent[0], model.recent[0])


def test_numbers_of_numpy_and_pandas_are_taken_as_pythons_own() -> None:
    assert codec(float).decode(codec(float).encode(np.float64(0.1))) == 0.1
    assert codec(Any).decode(codec(Any).encode({"n": np.int64(3)})) == {"n": 3}
    stamp = pd.Timestamp("2024-01-01", tz="UTC")
    assert codec(datetime.datetime).decode(codec(datetime.datetime).encode(stamp)) == stamp


@pytest.mark.parametrize(
    ("annotation", "value", "says"),
    [
        (float, "a", "Expected `float`, got `str`"),
        (list[int], [1, "a"], "Expected `int`, got `str` - at `$[1]`"),
        (int, 2**64, "state last of f: "),
        (Any, object(), "type object is kept where no annotation says so"),
        (Any, np.arange(3), "type ndarray is kept where no annotation says so"),
        (np.ndarray, [1.0], "list is set where np.ndarray belongs"),
        (np.ndarray, np.array([{}]), "Object arrays cannot be saved"),
        (pd.DataFrame, {}, "dict is set where pd.DataFrame belongs"),
        (pd.Series, [], "list is set where pd.Series belongs"),
        (pa.Table, [], "list is set where pa.Table belongs"),
        (Counter, "text", "str is set where Counter belongs"),
        (Order, {}, "dict is set where Order belongs"),
    ],
)
def test_what_is_not_of_the_type_is_refused(annotation: Any, value: Any, says: str) -> None:
    made = codec(annotation)
    with pytest.raises(TypeError, match="state last of f") as caught:
        made.decode(made.encode(value))
    assert says in str(caught.value)


class Opaque:
    pass


@dataclass
class Holder:
    it: dict[str, Opaque]


@pytest.mark.parametrize("annotation", [Opaque, Holder, list[Opaque], Opaque | int, pa.Array])
def test_a_type_that_nothing_can_store_is_refused_at_load_time(annotation: Any) -> None:
    with pytest.raises(LoadError) as caught:
        codec(annotation)
    says = str(caught.value)
    assert says.startswith(f"{FUNCTION.file.rsplit('/', 1)[0]}") or "test_states.py:" in says
    assert "state last of f is" in says
    assert "encode(self) -> bytes" in says


def test_only_what_can_change_without_being_set_is_mutable() -> None:
    assert [codec(t).mutable for t in (float, str | None, Color)] == [False] * 3
    assert all(codec(t).mutable for t in (list[int], Any, Visit, np.ndarray, tuple[int, ...]))


class Mean:
    def create(self) -> tuple[float, int]:
        return 0.0, 0

    def add(self, state: tuple[float, int], x: float) -> tuple[float, int]:
        return state[0] + x, state[1] + 1

    def result(self, state: tuple[float, int]) -> float:
        return state[0] / state[1]


def test_an_aggregators_state_is_of_the_type_that_create_returns() -> None:
    described = aggregator(Mean)
    made = aggregator_codec(described)
    assert made.decode(made.encode((1.0, 2))) == (1.0, 2)
    assert aggregator_codec(replace(described, aggregator_state=None)).decode(b"\x03") == 3
    with pytest.raises(LoadError, match="the state of Mean is Opaque, which cannot be stored"):
        aggregator_codec(replace(described, aggregator_state=Opaque))
