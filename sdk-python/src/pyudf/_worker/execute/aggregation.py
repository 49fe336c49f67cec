"""Classes that keep a state for each group: create, add, merge and result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pyudf._worker import wire
from pyudf._worker.execute.calls import runs
from pyudf._worker.execute.column import ColumnResult
from pyudf._worker.execute.grouped import fail_groups
from pyudf._worker.execute.portions import Portion, portions
from pyudf._worker.failure import Failures
from pyudf._worker.groups import Groups, put_states
from pyudf._worker.states import aggregator_codec
from pyudf.functions import Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["Aggregation"]

Add: TypeAlias = Callable[[Any, Portion, int, int], Any]


class Aggregation:
    """Runs the actions of an aggregator.

    The bytes of a state are the truth: what raises leaves nothing behind, since the calls after it
    begin with the state as it was decoded anew.
    """

    def __init__(self, function: Function) -> None:
        """Prepare an aggregator's methods and state. REQUIRES: it has a result type.

        Raises:
            LoadError: Its state is of a type that nothing can store.
        """
        assert function.result_type is not None
        self._aggregator = function.aggregator
        self._name = function.name
        self._codec = aggregator_codec(function)
        self._declared = function.aggregator_state is not None
        self._portions = portions(function)
        self._add: Add = self._add_batch if function.batch else self._add_each
        self._column = ColumnResult(function, function.result_type)
        self._actions = {
            worker_pb2.ACTION_ADD: self._adds,
            worker_pb2.ACTION_MERGE: self._merges,
            worker_pb2.ACTION_RESULT: self._results,
        }

    def __call__(
        self, request: worker_pb2.RunRequest, failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        """Answer a request."""
        groups = Groups(request)
        action = self._actions.get(groups.action)
        if action is None:
            message = f"an aggregator knows no action {groups.action}"
            raise wire.WireError(message)
        action(request, groups, failures, response)

    def _adds(
        self,
        request: worker_pb2.RunRequest,
        groups: Groups,
        failures: Failures,
        response: worker_pb2.RunResponse,
    ) -> None:
        (states,) = groups.states(1)
        portion = self._read(request, failures)
        for group, (start, end) in enumerate(groups.bounds):
            for first, last in runs(start, end, failures):
                states[group] = self._added(states[group], portion, (first, last), failures)
        put_states(response, [states])

    def _merges(
        self,
        _request: worker_pb2.RunRequest,
        groups: Groups,
        failures: Failures,
        response: worker_pb2.RunResponse,
    ) -> None:
        states, others = groups.states(2)
        for group, other in enumerate(others):
            if other is None:
                continue
            try:
                merged = self._aggregator.merge(
                    self._decoded(states[group]), self._codec.decode(other)
                )
                states[group] = self._encoded(merged, "merge")
            except BaseException as err:
                failures.add(group, err)
        put_states(response, [states])

    def _results(
        self,
        request: worker_pb2.RunRequest,
        groups: Groups,
        failures: Failures,
        response: worker_pb2.RunResponse,
    ) -> None:
        (states,) = groups.states(1)
        unreadable = Failures()
        portion = self._read(request, unreadable)
        fail_groups(groups, unreadable, failures)
        results: list[Any] = [None] * len(groups)
        for group, (start, end) in enumerate(groups.bounds):
            if group in failures:
                continue
            try:
                state = self._decoded(states[group])
                if end > start:
                    state = self._add(state, portion, start, end)
                results[group] = self._aggregator.result(state)
            except BaseException as err:
                failures.add(group, err)
        self._column.deliver(results, failures, response)

    def _read(self, request: worker_pb2.RunRequest, failures: Failures) -> Portion:
        if request.rows == 0:
            return lambda _start, _end: ()
        return self._portions.read(request, failures)

    def _added(
        self, state: bytes | None, portion: Portion, rows: tuple[int, int], failures: Failures
    ) -> bytes | None:
        """Return the state with the rows added, less those that make it raise.

        If adding them raises, halves are tried one after the other, each from the state that the
        rows before it left.
        """
        pending = [rows]
        while pending:
            start, end = pending.pop()
            try:
                state = self._encoded(self._add(self._decoded(state), portion, start, end), "add")
            except BaseException as err:
                if end - start == 1:
                    failures.add(start, err)
                    continue
                middle = (start + end) // 2
                pending += [(middle, end), (start, middle)]
        return state

    def _add_each(self, state: Any, portion: Portion, start: int, end: int) -> Any:
        add = self._aggregator.add
        for row in zip(*portion(start, end), strict=True):
            state = add(state, *row)
        return state

    def _add_batch(self, state: Any, portion: Portion, start: int, end: int) -> Any:
        return self._aggregator.add_batch(state, *portion(start, end))

    def _decoded(self, state: bytes | None) -> Any:
        """Return a state of which nobody else has a part.

        One that was just created goes through its bytes too: it is to be what it will be later.
        """
        if state is not None:
            return self._codec.decode(state)
        created = self._aggregator.create()
        found = self._codec.decode(self._encoded(created, "create"))
        if not self._declared and repr(found) != repr(created):
            message = (
                f"{self._name}.create returned {created!r}, which would come back from the store as"
                f" {found!r}: annotate what create returns, such as -> tuple[float, int]"
            )
            raise TypeError(message)
        return found

    def _encoded(self, state: Any, method: str) -> bytes:
        if state is None and not self._declared:
            message = (
                f"{self._name}.{method} returned None: return the state; if it may be None,"
                " annotate what create returns, such as -> float | None"
            )
            raise TypeError(message)
        data = self._codec.encode(state)
        try:
            self._codec.decode(data)
        except TypeError as err:
            message = f"{self._name}.{method} did not return a state: {err}"
            raise TypeError(message) from None
        return data
