"""Aggregators: what their actions answer, and what a row that raises leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from group_harness import aggregator, over_columns, run, states_of, without_rows
from hypothesis import given
from hypothesis import strategies as st
from worker_harness import errors, from_column, worker

from pyudf.functions import Function
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

ADD, MERGE, RESULT = (
    worker_pb2.ACTION_ADD,
    worker_pb2.ACTION_MERGE,
    worker_pb2.ACTION_RESULT,
)


class Mean:
    """Refuses values below 0, and hates 13 after having taken it."""

    def create(self) -> list[float]:
        return [0.0, 0.0]

    def add(self, state: list[float], x: float) -> list[float]:
        if x < 0:
            raise ValueError(x)
        state[0] += x
        state[1] += 1
        if x == 13:
            raise ValueError(x)
        return state

    def merge(self, a: list[float], b: list[float]) -> list[float]:
        a[0] += b[0]
        if b[1] > 99:
            raise ValueError(b)
        return [a[0], a[1] + b[1]]

    def result(self, state: list[float]) -> float:
        return state[0] / state[1]


class Batched(Mean):
    def add_batch(self, state: list[float], x: npt.NDArray[np.float64]) -> list[float]:
        for value in x:
            state = self.add(state, float(value))
        return state


def packed(*state: float) -> bytes:
    return msgspec.msgpack.encode([float(n) for n in state])


def unpacked(response: worker_pb2.RunResponse) -> list[Any]:
    (found,) = states_of(response)
    return [None if data is None else msgspec.msgpack.decode(data) for data in found]


def added(
    to: Function, sizes: Sequence[int], values: Sequence[float], states: Sequence[bytes | None]
) -> worker_pb2.RunResponse:
    return run(to, over_columns(to, sizes, values, states=[states], action=ADD))


@pytest.mark.parametrize("made", [Mean, Batched])
def test_rows_are_added_to_the_state_of_their_group(made: Any) -> None:
    function = aggregator(made)
    request = over_columns(
        function, [2, 0, 1], [1.0, 2.0, 3.0], states=[[None, None, packed(10, 1)]], action=ADD
    )
    with worker(function) as engine:
        (response,) = engine.run(request)
    assert unpacked(response) == [[3.0, 2.0], None, [13.0, 2.0]]
    assert not response.errors
    assert not response.HasField("column")


@pytest.mark.parametrize("made", [Mean, Batched])
def test_a_row_that_raises_fails_alone_and_leaves_nothing_behind(made: Any) -> None:
    values = [1.0, 13.0, 2.0, -1.0, 4.0, 13.0]
    response = added(aggregator(made), [6], values, [packed(5, 1)])
    assert set(errors(response)) == {1, 3, 5}
    assert unpacked(response) == [[12.0, 4.0]]


@pytest.mark.parametrize("made", [Mean, Batched])
def test_a_group_of_which_all_rows_raise_keeps_its_state(made: Any) -> None:
    response = added(aggregator(made), [3, 2], [-1.0, -2.0, 13.0, -4.0, -5.0], [packed(5, 1), None])
    assert set(errors(response)) == {0, 1, 2, 3, 4}
    assert unpacked(response) == [[5.0, 1.0], None]


def test_two_states_are_merged_and_what_raises_changes_neither() -> None:
    function = aggregator(Mean)
    first = [packed(1, 1), packed(2, 1), None, packed(3, 1), None]
    second = [packed(4, 1), packed(1, 100), packed(5, 1), None, None]
    response = run(function, without_rows(function, 5, states=[first, second], action=MERGE))
    assert errors(response) == {1: ("ValueError", "[1.0, 100.0]")}
    assert unpacked(response) == [[5.0, 2.0], [2.0, 1.0], [5.0, 1.0], [3.0, 1.0], None]


def test_a_result_is_of_the_state_and_the_rows() -> None:
    function = aggregator(Mean)
    states = [None, packed(4, 1), None, packed(1, 1)]
    request = over_columns(function, [2, 0, 0, 1], [1.0, 2.0, -1.0], states=[states], action=RESULT)
    response = run(function, request)
    assert errors(response) == {
        2: ("ZeroDivisionError", "float division by zero"),
        3: ("ValueError", "-1.0"),
    }
    column = from_column(FieldType.FLOAT64, response.column, 4).to_pylist()
    assert column[:2] == [1.5, 4.0]
    assert not response.states


@dataclass
class Stats:
    seen: set[str] = field(default_factory=set)
    total: pd.DataFrame | None = None


class Distinct:
    def create(self) -> Stats:
        return Stats()

    def add_batch(self, state: Stats, word: list[str], x: list[float]) -> Stats:
        state.seen |= set(word)
        return state

    def result(self, state: Stats) -> int:
        return len(state.seen)


def test_a_batch_may_be_lists_and_a_state_a_dataclass() -> None:
    function = aggregator(Distinct)
    request = over_columns(
        function, [3], ["a", "b", "a"], [1.0, 2.0, 3.0], states=[[None]], action=ADD
    )
    (state,) = states_of(run(function, request))
    response = run(function, without_rows(function, 1, states=[state], action=RESULT))
    assert from_column(FieldType.INT64, response.column, 1).to_pylist() == [2]


class Untyped:
    """Nothing says what its state is."""

    def __init__(self, initial: Any, then: Any = 1) -> None:
        self.initial = initial
        self.then = then

    def create(self):  # type: ignore[no-untyped-def]
        return self.initial

    def add(self, state, x: float):  # type: ignore[no-untyped-def]
        return self.then

    def result(self, state: Any) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (Untyped((0, 1)), "create returned (0, 1), which would come back from the store as [0, 1]"),
        (Untyped(0, None), "Untyped.add returned None: return the state"),
        (Untyped(object()), "a value of type object is kept where no annotation says so"),
    ],
)
def test_a_state_that_would_come_back_as_another_is_refused(made: Any, says: str) -> None:
    response = added(aggregator(made), [2], [1.0, 2.0], [None])
    assert set(errors(response)) == {0, 1}
    assert says in response.errors[0].message
    assert unpacked(response) == [None]


def test_an_add_that_does_not_return_a_state_fails_its_rows() -> None:
    class Forgetful(Mean):
        def add(self, state: list[float], x: float) -> list[float]:
            return None  # type: ignore[return-value]

    response = added(aggregator(Forgetful), [1], [1.0], [packed(1, 1)])
    assert "Forgetful.add did not return a state: the state of Forgetful" in errors(response)[0][1]
    assert unpacked(response) == [[1.0, 1.0]]


def test_an_action_that_nobody_knows_is_a_broken_protocol() -> None:
    function = aggregator(Mean)
    with worker(function) as engine, pytest.raises(Exception, match="knows no action"):
        engine.run(without_rows(function, 1, states=[[None]]))


@given(
    st.lists(st.sampled_from([1.0, 2.0, 13.0, -1.0, 5.0]), max_size=40),
    st.lists(st.integers(0, 40), max_size=5),
    st.booleans(),
)
def test_a_state_does_not_depend_on_how_its_rows_travel(
    values: list[float], cuts: list[int], batched: bool
) -> None:
    function = aggregator(Batched if batched else Mean)
    good = [value for value in values if value not in (13.0, -1.0)]
    ends = sorted({min(cut, len(values)) for cut in cuts} | {0, len(values)})
    state: bytes | None = None
    failed: list[int] = []
    for start, end in pairwise(ends):
        response = added(function, [end - start], values[start:end], [state])
        ((state,),) = states_of(response)
        failed += [start + row for row in errors(response)]
    assert failed == [row for row, value in enumerate(values) if value in (13.0, -1.0)]
    assert state == (packed(sum(good), len(good)) if good else None)
