"""State and timers: the plan, the definition that the worker reads, and what is refused."""

import datetime
import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import msgspec
import numpy as np
import pandas as pd
import pytest

import pyudf as pu
from pyudf._fingerprint import fingerprint
from pyudf.errors import Origin
from pyudf.functions import Container, Function
from pyudf.plan.v1 import plan_pb2
from pyudf.types import FieldType

KNOWN = {"station": str, "v": float}


@dataclass
class Profile:
    seen: int
    tags: list[str]


class Counter:
    """A type that turns itself into bytes."""

    def __init__(self, n: int = 0) -> None:
        self.n = n

    def encode(self) -> bytes:
        return str(self.n).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Counter":
        return cls(int(data))


class Out(TypedDict):
    station: str


def delta(row: dict[str, Any], last: pu.State[float]) -> dict[str, Any]:
    before = last.get(row["v"])
    last.set(row["v"])
    return {"delta": row["v"] - before}


def smooth(v: float, last: pu.State[float] = pu.state(default=0.5, ttl="1h")) -> float:
    return v


def on_idle(key: str, at: int, profile: pu.State[Profile]) -> dict[str, Any] | None:
    return {"station": key, "silent": at}


def watch(
    row: dict[str, Any],
    profile: pu.State[Profile],
    alarm: pu.Timer = pu.timer(on_idle),
    counter: pu.State[Counter] = pu.state(ttl=datetime.timedelta(days=1)),
) -> Iterable[dict[str, Any]]:
    return []


def wrong(value: object) -> Any:
    """Give a value that the type checker would refuse."""
    return value


def app_with(func: Any, column: str | None = None, **options: Any) -> pu.App:
    app = pu.App("test")
    stream = app.topic("w", schema=KNOWN, key="station")
    callee = pu.call(func, **options)
    (stream.apply(callee) if column is None else stream.with_columns(**{column: callee})).to("out")
    return app


def by_name(app: pu.App) -> dict[str, Function]:
    return {function.name: function for function in app.functions().values()}


def test_a_function_with_a_state_runs_in_a_plain_test() -> None:
    last = pu.State(1.0)
    assert delta({"v": 3.0}, last) == {"delta": 2.0}
    assert last.value == 3.0


def test_a_state_has_its_default_while_there_is_nothing() -> None:
    last = pu.State[list[int]](default=[])
    found = last.get()
    assert found == []
    assert not last.exists
    found.append(1)
    assert last.value == []
    assert last.get([2]) == [2]
    last.set([3])
    assert last.get([2]) == [3]
    last.clear()
    assert (last.exists, last.value) == (False, [])


def test_a_falsy_value_is_a_value() -> None:
    assert pu.State(0).get(5) == 0
    assert pu.State("").exists


def test_a_timer_is_set_to_a_moment() -> None:
    alarm = pu.Timer()
    alarm.set(5)
    assert alarm.at == 5
    east = datetime.timezone(datetime.timedelta(hours=1))
    alarm.set(datetime.datetime(1970, 1, 1, 2, 0, 0, 1999, tzinfo=east))
    assert alarm.at == 3_600_001
    alarm.cancel()
    assert alarm.at is None
    for value in ("5", 5.0, True, None):
        with pytest.raises(TypeError, match="a timer is set to ms since the epoch"):
            alarm.set(wrong(value))


def test_states_are_in_the_definition_and_the_plan() -> None:
    app = app_with(smooth, column="y")
    (state,) = by_name(app)["smooth"].states
    assert (state.name, state.annotation, state.default) == ("last", float, 0.5)
    (function,) = app.plan().functions
    assert function.kind == plan_pb2.KIND_SCALAR
    assert [p.name for p in function.params] == ["v"]
    assert list(function.states) == [plan_pb2.State(name="last", format="float", ttl_ms=3_600_000)]


def test_a_state_beside_the_record_leaves_the_record_the_only_input() -> None:
    function = by_name(app_with(delta))["delta"]
    assert function.container is Container.RECORD
    assert (function.argument, function.takes) == ("row", ("row", "last"))
    assert function.states[0].ttl_ms == 0


def test_a_timer_is_in_the_definition_and_the_plan() -> None:
    app = app_with(watch, on_error="skip", timeout=2.0)
    functions = by_name(app)
    assert functions["watch"].takes == ("row", "profile", "alarm", "counter")
    (timer,) = functions["watch"].timers
    callback = timer.callback
    assert callback == functions["on_idle"]
    assert callback.callback
    assert callback.call is on_idle
    assert callback.takes == ("key", "at", "profile")
    assert [s.name for s in callback.states] == ["profile"]
    assert (callback.on_error, callback.timeout) == ("skip", 2.0)
    on_timer, main = app.plan().functions
    assert list(main.timers) == [plan_pb2.Timer(name="alarm", on_timer=on_timer.id)]
    assert [(s.name, s.ttl_ms) for s in main.states] == [("profile", 0), ("counter", 86_400_000)]
    assert (on_timer.input, on_timer.output) == (plan_pb2.INPUT_COLUMNS, plan_pb2.OUTPUT_RECORDS)
    assert list(on_timer.params) == []
    assert [s.name for s in on_timer.states] == ["profile"]


def test_a_callback_is_one_function_for_each_set_of_options() -> None:
    app = pu.App("test")
    stream = app.topic("w", key="station")
    stream.flat_map(watch).to("a")
    stream.flat_map(watch).to("b")
    stream.flat_map(watch, timeout=2.0).to("c")
    plan = app.plan()
    ids = [f"{__name__}:{name}" for name in ("on_idle", "watch", "on_idle#2", "watch#2")]
    assert [f.id for f in plan.functions] == ids
    assert [f.timers[0].on_timer for f in plan.functions if f.timers] == ids[::2]
    assert [f.id for f in app.functions().values()] == list(app.functions())


def test_a_callback_may_take_nothing_and_give_nothing() -> None:
    def ring() -> None:
        return None

    def bell(row: dict[str, Any], alarm: pu.Timer = pu.timer(ring)) -> Out:
        return {"station": "a"}

    (timer,) = by_name(app_with(bell))["bell"].timers
    assert timer.callback.takes == ()


def test_fields_are_known_only_if_the_callback_gives_the_same() -> None:
    def same(key: str) -> Out:
        return {"station": key}

    def other(key: str) -> dict[str, Any]:
        return {}

    def one(row: dict[str, Any], alarm: pu.Timer = pu.timer(same)) -> Out:
        return {"station": "a"}

    def two(row: dict[str, Any], alarm: pu.Timer = pu.timer(other)) -> Out:
        return {"station": "a"}

    stream = pu.App("t").topic("w", key="station")
    assert dict(stream.map(one).fields.types) == {"station": FieldType.STRING}
    assert not stream.map(two).fields.closed


class Color(enum.Enum):
    RED = 1


class Tree(msgspec.Struct):
    left: "Tree | None" = None


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (float, "float"),
        (bytes, "bytes"),
        (Any, "any"),
        (datetime.datetime, "datetime.datetime"),
        (dict[str, list[int]], "dict[str,list[int]]"),
        (int | None, "None|int"),
        (None | int, "None|int"),
        (str | int | None, "None|int|str"),
        (int | str, "int|str"),
        (tuple[int, ...], "tuple[int,Ellipsis]"),
        (Literal["a", "b"], "Literal['a','b']"),
        (Profile, f"{__name__}.Profile(seen:int,tags:list[str])"),
        (dict[str, Profile], f"dict[str,{__name__}.Profile(seen:int,tags:list[str])]"),
        (Counter, f"custom:{__name__}.Counter"),
        (Color, f"{__name__}.Color"),
        (Tree, f"{__name__}.Tree(left:None|{__name__}.Tree)"),
        (np.ndarray, "numpy.ndarray"),
        (list, "list"),
    ],
)
def test_the_format_of_a_state_changes_when_it_is_stored_in_another_way(
    annotation: Any, expected: str
) -> None:
    assert fingerprint(annotation, Origin("a.py", 1)) == expected


def test_a_state_without_a_type_holds_anything() -> None:
    def anything(row: dict[str, Any], last: pu.State) -> dict[str, Any]:  # type: ignore[type-arg]
        return row

    (state,) = by_name(app_with(anything))["anything"].states
    assert (state.annotation, state.format) == (Any, "any")


@pytest.mark.parametrize("keyed", [lambda s: s, lambda s: s.where(pu.col("v") > 1)])
def test_a_state_needs_a_key(keyed: Callable[[pu.Stream], pu.Stream]) -> None:
    app = pu.App("test")
    stream = app.topic("w")
    with pytest.raises(pu.DefinitionError, match=r'delta needs a key: .* write .key_by\("field"\)'):
        keyed(app.topic("x", schema=KNOWN)).map(delta)
    with pytest.raises(pu.DefinitionError, match="smooth needs a key: "):
        stream.with_columns(y=smooth)
    stream.key_by("station").map(delta)

    @app.udf(stream, to="deltas", key="station")
    def again(row: dict[str, Any], last: pu.State[float]) -> dict[str, Any]:
        return row


def only_state(last: pu.State[float]) -> float:
    return 0.0


def optional(v: float, last: pu.State[float] | None) -> float:
    return v


def plain_default(v: float, last: pu.State[float] = 0.0) -> float:  # type: ignore[assignment]
    return v


def bad_ttl(v: float, last: pu.State[float] = pu.state(ttl="soon")) -> float:
    return v


def not_annotated(v: float, last: float = pu.state()) -> float:
    return v


def batches(v: pd.Series, last: pu.State[float]) -> pd.Series:
    return v


def no_callback(row: dict[str, Any], alarm: pu.Timer) -> dict[str, Any]:
    return row


def nothing() -> None:
    return None


def scalar_timer(v: float, alarm: pu.Timer = pu.timer(nothing)) -> float:
    return v


def misnamed(row: dict[str, Any], alarm: float = pu.timer(on_idle)) -> dict[str, Any]:
    return row


def with_callback(callback: Callable[..., Any]) -> Any:
    def main(
        row: dict[str, Any],
        last: pu.State[float],
        alarm: pu.Timer = pu.timer(callback),
    ) -> dict[str, Any]:
        return row

    return main


def asks_for_more(key: str, row: dict[str, Any]) -> dict[str, Any]:
    return row


def another_type(last: pu.State[int]) -> dict[str, Any]:
    return {}


def own_options(last: pu.State[float] = pu.state(default=0.0)) -> dict[str, Any]:
    return {}


def date_at(at: datetime.datetime) -> dict[str, Any]:
    return {}


def gives_number(key: str) -> float:
    return 0.0


def gives_unknown(key: str):  # type: ignore[no-untyped-def]
    return None


@pytest.mark.parametrize(
    ("func", "sentence"),
    [
        (
            only_state,
            "only_state: takes no field besides what it keeps; add the record",
        ),
        (optional, "optional: parameter last is never None; leave the | None out"),
        (
            plain_default,
            "parameter last has the default 0.0; write last: pu.State[...] = ",
        ),
        (bad_ttl, "last: ttl='soon' is no duration; write a number and one of ms, s, m"),
        (not_annotated, "parameter last has to be annotated pu.State[float] or the like"),
        (misnamed, "parameter alarm has to be annotated pu.Timer or the like"),
        (batches, "takes a pandas.Series and keeps something for each key, which this version"),
        (
            no_callback,
            "parameter alarm has no callback; write alarm: pu.Timer = pu.timer(",
        ),
        (scalar_timer, "sets a timer and returns one value a row, but a timer's callback gives"),
        (
            with_callback(asks_for_more),
            "asks_for_more: a timer calls it with key, at and states of main, not with row; known "
            "names: key, at, last",
        ),
        (with_callback(another_type), "last is a state of main; annotate last: pu.State[float]"),
        (with_callback(own_options), "the options of the state last belong to main; leave them"),
        (
            with_callback(date_at),
            "parameter at is a number of ms since the epoch; annotate",
        ),
        (with_callback(gives_number), "a timer's callback gives records; return a dict, an iter"),
        (with_callback(gives_unknown), "gives_unknown: the result has no annotation; write ->"),
        (with_callback(len), "is no plain Python function; wrap it"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_what_to_write(func: Any, sentence: str) -> None:
    with pytest.raises(pu.DefinitionError) as raised:
        app_with(func, column=None if "row" in func.__annotations__ else "y")
    assert sentence in str(raised.value)
    assert raised.value.origin.file == __file__
