"""Windows of a user's class: its methods in the plan, what they give, and what is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any

import pandas as pd
import pytest

import pyudf as pu
from pyudf.functions import EVENT_TIME, Container, Function
from pyudf.plan.v1 import plan_pb2
from pyudf.types import FieldType

HOUR = 3_600_000
KNOWN = {"courier": str, "action": str}


@dataclass
class Action:
    action: str


class Shifts:
    """A shift ends at a logout, or after twelve hours."""

    def assign(self, ts: int, row: Action) -> tuple[int, int]:
        return ts, ts + 1 if row.action == "logout" else ts + 12 * HOUR

    def merge(self, a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int] | None:
        return (a[0], min(a[1], b[1])) if a[1] > b[0] else None

    def should_close(self, window: tuple[int, int], watermark: int) -> bool:
        return watermark > window[1]


class Weeks:
    """Takes a field, has one method, is given more than one window."""

    def assign(self, at: int, action: str) -> Iterator[tuple[int, int]]:
        yield at, at + 1
        yield at, at + 2


class Time:
    """Takes the event time alone."""

    def assign(self, at: int) -> tuple[int, int]:
        return at, at + 1


def wrong(value: object) -> Any:
    """Give a value that the type checker would refuse."""
    return value


def app_with(made: Any) -> pu.App:
    app = pu.App("test")
    app.topic("actions", key="courier", schema=KNOWN).window(made).agg(n=pu.count()).to("out")
    return app


def functions(made: Any) -> dict[str, Function]:
    return {function.name: function for function in app_with(made).functions().values()}


def test_a_custom_window_is_in_the_plan_with_its_methods() -> None:
    plan = app_with(pu.custom(Shifts, grace="5s", late="too_late", emit="updates")).plan()
    aggregate = plan.steps[0].aggregate
    ids = [f"{__name__}:Shifts.{name}" for name in ("assign", "merge", "should_close")]
    assert aggregate.window == plan_pb2.Window(
        grace_ms=5000,
        custom={"assign": {"function": ids[0]}, "merge": ids[1], "should_close": ids[2]},
    )
    assert aggregate.late.name == "too_late"
    assert [f.id for f in plan.functions] == ids
    assign, merge, close = plan.functions
    assert (assign.kind, assign.input) == (plan_pb2.KIND_RECORD, plan_pb2.INPUT_RECORDS)
    assert assign.result_type == plan_pb2.TYPE_JSON
    assert [(p.name, p.type) for p in merge.params] == [
        ("a", plan_pb2.TYPE_JSON),
        ("b", plan_pb2.TYPE_JSON),
    ]
    assert [p.type for p in close.params] == [plan_pb2.TYPE_JSON, plan_pb2.TYPE_INT64]
    assert (merge.result_type, close.result_type) == (plan_pb2.TYPE_JSON, plan_pb2.TYPE_BOOL)


def test_a_method_that_is_not_there_is_not_in_the_plan() -> None:
    custom = app_with(pu.custom(Weeks())).plan().steps[0].aggregate.window.custom
    assert (custom.merge, custom.should_close) == ("", "")
    assert [(arg.param, arg.field) for arg in custom.assign.args] == [("action", "action")]


def test_assign_takes_the_time_and_the_record_or_fields() -> None:
    shifts = functions(pu.custom(Shifts))["Shifts.assign"]
    assert (shifts.container, shifts.record_type) == (Container.RECORD, Action)
    assert (shifts.takes, shifts.argument) == ((EVENT_TIME, "row"), "row")
    weeks = functions(pu.custom(Weeks))["Weeks.assign"]
    assert (weeks.container, weeks.takes) == (Container.SCALAR, (EVENT_TIME, "action"))
    assert [p.type for p in weeks.params] == [FieldType.STRING]
    assert functions(pu.custom(Time))["Time.assign"].takes == (EVENT_TIME,)


def test_methods_give_windows_in_one_form() -> None:
    found = functions(pu.custom(Shifts))
    assert found["Shifts.assign"].call(5, Action("logout")) == [(5, 6)]
    assert found["Shifts.merge"].call([0, 9], [5, 7]) == (0, 7)
    assert found["Shifts.merge"].call([0, 5], [5, 7]) is None
    assert found["Shifts.should_close"].call([0, 5], 6) is True
    assert functions(pu.custom(Weeks))["Weeks.assign"].call(0, "x") == [(0, 1), (0, 2)]


@pytest.mark.parametrize(
    "given", [5, None, "ab", (1.0, 2.0), (1, 2, 3), [1, 2], [(1, 2), 3], (True, 2)]
)
def test_what_is_no_window_is_an_error_of_its_record(given: Any) -> None:
    with pytest.raises(TypeError, match=r"a window is \(start, end\) in ms since the epoch, not"):
        assigned(given)


@pytest.mark.parametrize("given", [(5, 4), (5, 5), (0, 2**63), (-(2**63) - 1, 0), [(1, 2), (3, 3)]])
def test_a_window_that_no_moment_is_in_is_an_error_of_its_record(given: Any) -> None:
    with pytest.raises(ValueError, match=r"the start before the end, not .*; for a record that is"):
        assigned(given)


def assigned(given: Any) -> Any:
    """Return what becomes of what ``assign`` gives."""

    class Gives:
        def assign(self, at: int, action: str) -> Any:
            return given

    return functions(pu.custom(Gives))["Gives.assign"].call(0, "x")


def test_a_window_used_twice_has_its_functions_once() -> None:
    app = pu.App("test")
    windowed = app.topic("actions", key="courier").window(pu.custom(Shifts))
    windowed.agg(n=pu.count()).to("a")
    windowed.agg(m=pu.max("x")).to("b")
    assert len(app.functions()) == 3


def test_two_instances_of_a_window_are_two_functions() -> None:
    class Every:
        def __init__(self, ms: int) -> None:
            self.ms = ms

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Every)

        __hash__ = None  # type: ignore[assignment]

        def assign(self, ts: int) -> tuple[int, int]:
            return ts, ts + self.ms

    app = pu.App("test")
    actions = app.topic("actions", key="courier")
    actions.window(pu.custom(Every(1))).agg(n=pu.count()).to("a")
    actions.window(pu.custom(Every(2))).agg(n=pu.count()).to("b")
    assert [f.call(0) for f in app.functions().values()] == [[(0, 1)], [(0, 2)]]


def test_a_decorated_method_stays_decorated() -> None:
    def later(method: Any) -> Any:
        @wraps(method)
        def wrapped(self: Any, at: int, action: str) -> Any:
            return method(self, at + 1, action)

        return wrapped

    class Late:
        @later
        def assign(self, at: int, action: str) -> tuple[int, int]:
            return at, at + 1

    assert functions(pu.custom(Late))["Late.assign"].call(5, "x") == [(6, 7)]


class NoAssign:
    pass


class NoTime:
    def assign(self) -> tuple[int, int]:
        return 0, 0


class Batches:
    def assign(self, ts: int, action: pd.Series) -> tuple[int, int]:
        return 0, 0


class Unknown:
    def assign(self, ts: int, what: str) -> tuple[int, int]:
        return 0, 0


class MergesOne(Weeks):
    def merge(self, a: tuple[int, int]) -> tuple[int, int]:
        return a


class NeedsHours:
    def __init__(self, hours: int) -> None:
        self.hours = hours

    def assign(self, ts: int, action: str) -> tuple[int, int]:
        return ts, ts + self.hours


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (NoAssign, "NoAssign has no method assign; a custom window has the method assign(self, ts"),
        (NoTime, "NoTime.assign: takes the event time first; write assign(self, ts: int, row: dic"),
        (Batches, "Batches.assign: takes a pandas.Series; take one record (row: dict) or fields"),
        (Unknown, "Unknown.assign: parameter what: there is no field 'what'; known fields"),
        (MergesOne, "MergesOne.merge: takes 1 parameters; write merge(self, a, b)"),
        (NeedsHours, "NeedsHours() raised TypeError: "),
        (3, "int has no method assign"),
    ],
)
def test_an_impossible_custom_window_is_refused(made: Any, sentence: str) -> None:
    with pytest.raises(pu.DefinitionError) as raised:
        app_with(pu.custom(wrong(made)))
    assert sentence in str(raised.value)
    assert raised.value.origin.file == __file__
