"""Functions over the rows of a window, and aggregators: what travels, and what is refused."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest

import pyudf as pu
from pyudf.functions import Container, Function
from pyudf.plan.v1 import plan_pb2
from pyudf.types import FieldType

KNOWN = {"station": str, "x": float, "n": int, "s": str, "items": list}


@dataclass
class Order:
    station: str
    x: float


class Rating(TypedDict):
    stars: float


def wrong(value: object) -> Any:
    """Give a value that the type checker would refuse."""
    return value


def app_with(schema: Any = KNOWN, **aggregates: Any) -> pu.App:
    app = pu.App("test")
    windowed = app.topic("w", key="station", schema=schema).window(pu.tumbling("10s"))
    windowed.agg(**aggregates).to("out")
    return app


def the_function(func: Any, schema: Any = KNOWN) -> Function:
    (function,) = app_with(schema, it=func).functions().values()
    return function


def frame(df: pd.DataFrame) -> float:
    return float(df["x"].mean())


def table(rows: pa.Table) -> int:
    return len(rows)


def series(x: pd.Series, n: pd.Series) -> float:
    return float((x * n).sum())


def array(x: np.ndarray) -> float:
    return float(x.sum())


def arrow(s: pa.StringArray) -> int:
    return len(s)


def lists(x: list[float], s: list[str | None]) -> float:
    return sum(x)


def json_list(items: list[list[str]]) -> int:
    return len(items)


def records(rows: list[dict[str, Any]]) -> float:
    return float(sum(row["x"] for row in rows))


def orders(rows: list[Order]) -> Rating:
    return {"stars": 5.0}


def several(rows: list[Order]) -> list[float]:
    return [row.x for row in rows]


@pytest.mark.parametrize(
    ("func", "container", "params", "result"),
    [
        (frame, Container.FRAME, list(KNOWN), FieldType.FLOAT64),
        (table, Container.TABLE, list(KNOWN), FieldType.INT64),
        (series, Container.SERIES, ["x", "n"], FieldType.FLOAT64),
        (array, Container.NDARRAY, ["x"], FieldType.FLOAT64),
        (arrow, Container.ARRAY, ["s"], FieldType.INT64),
        (lists, Container.LIST, ["x", "s"], FieldType.FLOAT64),
        (json_list, Container.LIST, ["items"], FieldType.INT64),
        (records, Container.RECORD, [], FieldType.FLOAT64),
        (orders, Container.RECORD, [], FieldType.JSON),
        (several, Container.RECORD, [], FieldType.JSON),
    ],
)
def test_a_function_over_a_window_takes_all_rows_and_gives_one_value(
    func: Any, container: Container, params: list[str], result: FieldType
) -> None:
    function = the_function(func)
    assert function.grouped
    assert function.container is container
    assert [p.name for p in function.params] == params
    assert function.result_type is result
    assert function.call is func
    fields = pu.App("t").topic("w", schema=KNOWN).window(pu.global_()).agg(it=func).fields
    assert fields.type_of("it") is result


def test_lists_are_read_as_their_elements() -> None:
    x, s = the_function(lists).params
    assert (x.type, x.nullable, x.annotation) == (FieldType.FLOAT64, False, float)
    assert (s.type, s.nullable, s.annotation) == (FieldType.STRING, True, str | None)
    (items,) = the_function(json_list).params
    assert (items.type, items.annotation) == (FieldType.JSON, list[str])


def test_records_have_the_type_in_the_list() -> None:
    assert the_function(orders).record_type is Order
    assert the_function(orders).argument == "rows"
    assert the_function(records).record_type == dict[str, Any]


@pytest.mark.parametrize(
    ("func", "travels"), [(frame, "COLUMNS"), (lists, "COLUMNS"), (records, "RECORDS")]
)
def test_a_function_over_a_window_is_in_the_plan(func: Any, travels: str) -> None:
    plan = app_with(it=func).plan()
    (function,) = plan.functions
    assert function.kind == plan_pb2.KIND_GROUPS
    assert plan_pb2.Input.Name(function.input) == f"INPUT_{travels}"
    assert function.output == plan_pb2.OUTPUT_COLUMN
    assert plan.steps[0].aggregate.columns[0].call.function == function.id


def test_parameters_are_bound_as_in_columns() -> None:
    def spread(a: list[float]) -> float:
        return max(a) - min(a)

    plan = app_with(it=pu.call(spread, a="x", on_error="skip", timeout=2.0)).plan()
    (arg,) = plan.steps[0].aggregate.columns[0].call.args
    assert (arg.param, arg.field) == ("a", "x")
    assert plan.functions[0].on_error == plan_pb2.ON_ERROR_SKIP
    assert plan.functions[0].timeout_ms == 2000


def test_functions_and_builtins_stand_together() -> None:
    plan = app_with(n=pu.count(), risk=frame, total=lists).plan()
    kinds = [column.WhichOneof("value") for column in plan.steps[0].aggregate.columns]
    assert kinds == ["builtin", "call", "call"]


def scalar(x: float) -> float:
    return x


def one_record(row: dict[str, Any]) -> float:
    return 0.0


def bare_list(x: list) -> float:  # type: ignore[type-arg]
    return 0.0


def mixed(x: list[float], n: pd.Series) -> float:
    return 0.0


def optional(x: list[float] | None) -> float:
    return 0.0


def defaulted(x: list[float] = []) -> float:  # noqa: B006
    return 0.0


def unannotated(x) -> float:  # type: ignore[no-untyped-def]
    return 0.0


def keeps(x: list[float], last: pu.State[float]) -> float:
    return 0.0


def gives_frame(df: pd.DataFrame) -> pd.DataFrame:
    return df


def yields(rows: list[Order]) -> Iterator[float]:
    yield 0.0


def no_result(rows: list[Order]):  # type: ignore[no-untyped-def]
    return 0.0


def nothing() -> float:
    return 0.0


def misread(s: list[float]) -> float:
    return 0.0


def unknown(z: list[float]) -> float:
    return 0.0


@pytest.mark.parametrize(
    ("func", "sentence"),
    [
        (
            scalar,
            "scalar: parameter x is float, and in agg() a function takes all rows",
        ),
        (one_record, "parameter row is dict[str, typing.Any], and in agg() a function takes all"),
        (bare_list, "parameter x is list, and in agg() a function takes all rows"),
        (mixed, "mixed: the parameters mix lists and other kinds; take all as lists, or none"),
        (optional, "parameter x takes all rows of a window, which are never None"),
        (defaulted, "parameter x takes all rows, which are never left out"),
        (unannotated, "parameter x has no annotation; for the rows of a window write df: pd.Data"),
        (keeps, "parameter last keeps something for each key, which a function over a window cann"),
        (gives_frame, "the result is annotated DataFrame; write -> bool, int, float"),
        (yields, "gives collections.abc.Iterator[float], and a window has one value; return a li"),
        (no_result, "the result has no annotation; write -> bool, int, float"),
        (nothing, "nothing takes no parameter; name a field as one"),
        (misread, "parameter s is read as float64, but field 's' is string here"),
        (unknown, "parameter z: there is no field 'z'; known fields: station, x, n, s, items"),
        (pu.call(lists, y="x"), "there is no parameter 'y' to bind"),
        (pu.call(frame, df="x"), "parameter df takes all fields, it cannot be bound to one"),
    ],
)
def test_an_impossible_function_over_a_window_is_refused(func: Any, sentence: str) -> None:
    with pytest.raises(pu.DefinitionError) as raised:
        app_with(it=func)
    assert sentence in str(raised.value)
    assert raised.value.origin.file == __file__


def test_a_frame_needs_known_fields() -> None:
    with pytest.raises(pu.DefinitionError, match=r"takes a pandas\.DataFrame, but its columns are"):
        app_with(None, it=frame)


class Mean:
    """Adds row by row, can be merged."""

    def create(self) -> tuple[float, int]:
        return 0.0, 0

    def add(self, state: tuple[float, int], x: float) -> tuple[float, int]:
        return state[0] + x, state[1] + 1

    def merge(self, a: tuple[float, int], b: tuple[float, int]) -> tuple[float, int]:
        return a[0] + b[0], a[1] + b[1]

    def result(self, state: tuple[float, int]) -> float:
        return state[0] / state[1]


class Batches:
    """Adds batches, cannot be merged, has a parameter of its own."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def create(self) -> float:
        return 0.0

    def add(self, state: float, x: float) -> float:
        return state + x

    def add_batch(self, state: float, x: np.ndarray, n: np.ndarray) -> float:
        return state + self.scale * float((x * n).sum())

    def result(self, state: float) -> dict[str, float]:
        return {"total": state}


def test_an_aggregator_says_what_it_adds_and_gives() -> None:
    function = the_function(Mean)
    assert isinstance(function.aggregator, Mean)
    assert function.call is Mean
    assert function.aggregator_state == tuple[float, int]
    assert (function.batch, function.container) == (False, Container.SCALAR)
    assert [p.name for p in function.params] == ["x"]
    assert function.takes == ("state", "x")
    assert function.result_type is FieldType.FLOAT64


def test_an_aggregator_that_adds_batches_takes_them() -> None:
    instance = Batches(2.0)
    function = the_function(instance)
    assert function.aggregator is instance
    assert (function.batch, function.container) == (True, Container.NDARRAY)
    assert [p.name for p in function.params] == ["x", "n"]
    assert function.result_type is FieldType.JSON


def test_an_aggregator_is_in_the_plan_and_says_whether_it_merges() -> None:
    plan = app_with(a=Mean, b=Batches(2.0), c=pu.call(Mean(), x="n")).plan()
    mean, batches, other = plan.functions
    assert (mean.kind, mean.input) == (plan_pb2.KIND_AGGREGATOR, plan_pb2.INPUT_COLUMNS)
    assert (mean.merges, batches.merges) == (True, False)
    assert (mean.id, other.id) == (f"{__name__}:Mean", f"{__name__}:Mean#2")
    calls = [column.call for column in plan.steps[0].aggregate.columns]
    assert [call.function for call in calls] == [mean.id, batches.id, other.id]
    assert [(arg.param, arg.field) for arg in calls[2].args] == [("x", "n")]


def test_one_class_used_twice_is_one_function() -> None:
    assert len(app_with(a=Mean, b=Mean).functions()) == 1
    mean = Mean()
    assert len(app_with(a=mean, b=mean).functions()) == 1


@dataclass
class Scaled:
    """Its arguments are no part of what makes instances equal, or cannot be compared."""

    factor: float = field(compare=False)
    weights: npt.NDArray[np.float64] = field(default_factory=lambda: np.ones(2))

    def create(self) -> float:
        return 0.0

    def add(self, state: float, x: float) -> float:
        return state + self.factor * x

    def result(self, state: float) -> float:
        return state


def test_two_instances_of_a_class_are_two_functions_of_plan_and_worker() -> None:
    app = app_with(a=Scaled(1.0), b=Scaled(2.0), c=Scaled(3.0))
    calls = [column.call.function for column in app.plan().steps[0].aggregate.columns]
    name = f"{__name__}:Scaled"
    assert calls == [name, f"{name}#2", f"{name}#3"]
    assert [function.id for function in app.plan().functions] == calls
    found = app.functions()
    assert [found[call].id for call in calls] == calls
    assert [found[call].aggregator.factor for call in calls] == [1.0, 2.0, 3.0]


class NoAdd:
    def create(self) -> float:
        return 0.0

    def result(self, state: float) -> float:
        return state


class NoResult:
    def create(self) -> float:
        return 0.0

    def add(self, state: float, x: float) -> float:
        return state


class NoFields(NoAdd):
    def add(self, state: float) -> float:
        return state


class AddsRecords(NoAdd):
    def add(self, state: float, row: dict[str, Any]) -> float:
        return state


class AddsFrames(NoAdd):
    def add_batch(self, state: float, rows: list[dict[str, Any]]) -> float:
        return state


class AddsSeries(NoAdd):
    def add(self, state: float, x: pd.Series) -> float:
        return state


class AddsRows(NoAdd):
    def add_batch(self, state: float, x: float) -> float:
        return state


class MergesThree(Mean):
    def merge(self, a: Any, b: Any, c: Any) -> Any:  # type: ignore[override]
        return a


class NeedsMore(Mean):
    def create(self, size: int) -> tuple[float, int]:  # type: ignore[override]
        return 0.0, size


class GivesNothing(Mean):
    def result(self, state: tuple[float, int]) -> None:  # type: ignore[override]
        return None


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (NoAdd, "NoAdd has no method add; an aggregator has the methods create(self), add(self"),
        (NoResult, "NoResult has no method result; an aggregator has the methods"),
        (Order("a", 1.0), "write an aggregate such as pu.mean(...), a function over the window's"),
        (NoFields, "NoFields.add: takes no field; name one after the state"),
        (AddsRecords, "AddsRecords.add: takes whole records; name the fields after the state"),
        (AddsFrames, "AddsFrames.add_batch: takes whole records; name the fields after the state"),
        (AddsSeries, "AddsSeries.add: takes a pandas.Series; name the method add_batch"),
        (AddsRows, "AddsRows.add_batch: parameter x is float, and in agg() a function takes all"),
        (MergesThree, "MergesThree.merge: takes 3 parameters besides self; an aggregator has"),
        (NeedsMore, "NeedsMore.create: takes 1 parameters besides self; an aggregator has"),
        (GivesNothing, "GivesNothing.result: the result is None for each row; write -> bool"),
        (Batches, "Batches() raised TypeError: "),
        (pu.call(Mean, y="x"), "Mean.add: there is no parameter 'y' to bind"),
        (pu.call(Mean, x="s"), "parameter x is read as float64, but field 's' is string"),
    ],
)
def test_an_impossible_aggregator_is_refused(made: Any, sentence: str) -> None:
    with pytest.raises(pu.DefinitionError) as raised:
        app_with(it=made)
    assert sentence in str(raised.value)
    assert raised.value.origin.file == __file__


def test_an_aggregator_computes_no_column() -> None:
    weather = pu.App("t").topic("w", schema=KNOWN)
    use: list[Callable[[], object]] = [
        lambda: weather.with_columns(y=Mean),
        lambda: weather.map(wrong(Batches(1.0))),
    ]
    for using in use:
        with pytest.raises(pu.DefinitionError, match="is no plain Python function; wrap it"):
            using()
