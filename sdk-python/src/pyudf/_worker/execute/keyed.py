"""Functions that keep something for each key, and what their timers call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Any, TypeAlias

from pyudf._worker import wire
from pyudf._worker.execute import jsontext
from pyudf._worker.execute.arguments import Arguments
from pyudf._worker.execute.calls import collect
from pyudf._worker.execute.column import ColumnResult
from pyudf._worker.execute.kept import Kept, KeptState, KeptTimer
from pyudf._worker.execute.record import decoder
from pyudf._worker.execute.records import RecordResults
from pyudf._worker.failure import Failures
from pyudf._worker.groups import NO_TIME, Groups, put_states, put_taken, put_timers
from pyudf._worker.states import state_codec
from pyudf.functions import EVENT_TIME, Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["Keyed"]

Deliver: TypeAlias = Callable[[list[Any], Failures, worker_pb2.RunResponse], None]


class Keyed:
    """Calls a function for the rows of each key in their order.

    A row that fails, be it that its result has the wrong type, leaves states and timers as they
    were before it. A group's rows end before the first for which one of its timers is due: the
    engine fires it and calls for the rest again.
    """

    def __init__(self, function: Function) -> None:
        """Prepare what the function takes, keeps and gives.

        Raises:
            LoadError: A state is of a type that nothing can store.
        """
        self._call = function.call
        self._states = {
            param.name: KeptState(param, state_codec(function, param.name, param.annotation))
            for param in function.states
        }
        self._timers = {timer.name: KeptTimer() for timer in function.timers}
        self._kept: list[Kept] = [*self._states.values(), *self._timers.values()]
        self._fields = _Fields(function)
        self._takes = function.takes or self._fields.names
        self._finish, self._deliver = _results(function)

    def __call__(
        self, request: worker_pb2.RunRequest, failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        """Answer a request."""
        groups = Groups(request)
        fields = self._fields.read(request, groups, self._takes, failures)
        states = groups.states(len(self._states))
        timers = [list(timer) for timer in groups.timers(len(self._timers))]
        kept: list[list[Any]] = [*states, *timers]
        arguments = [self._states.get(name, self._timers.get(name)) for name in self._takes]
        places = [(place, fields[name]) for place, name in enumerate(self._takes) if name in fields]
        results: list[Any] = [None] * request.rows

        def call(row: int) -> None:
            if row not in failures:
                results[row] = self._row(row, arguments, places, failures)

        ends = []
        for group, bounds in enumerate(groups.bounds):
            for one, values in zip(self._kept, kept, strict=True):
                one.load(values[group])
            ends.append(self._rows(bounds, groups.watermarks, call))
            for one, values in zip(self._kept, kept, strict=True):
                values[group] = one.kept
            failures.drop(range(ends[group], bounds[1]))
        self._deliver(results, failures, response)
        put_states(response, states)
        put_timers(response, timers)
        put_taken(response, groups, ends)

    def _rows(
        self, bounds: tuple[int, int], watermarks: Sequence[int], call: Callable[[int], None]
    ) -> int:
        """Call for the rows of a group, and return the first before which a timer is due."""
        start, end = bounds
        for row in range(start, end):
            if watermarks and row > start and self._is_due(watermarks[row]):
                return row
            call(row)
        return end

    def _is_due(self, watermark: int) -> bool:
        return any(NO_TIME < timer.kept <= watermark for timer in self._timers.values())

    def _row(
        self,
        row: int,
        arguments: list[Any],
        places: list[tuple[int, Sequence[Any]]],
        failures: Failures,
    ) -> Any:
        for place, column in places:
            arguments[place] = column[row]
        try:
            result = self._finish(self._call(*arguments))
            left: list[Any] = [one.settle() for one in self._kept]
        except BaseException as err:
            failures.add(row, err)
            for one in self._kept:
                one.load(one.kept)
            return None
        for one, value in zip(self._kept, left, strict=True):
            one.keep(value)
        return result


class _Fields:
    """The parameters that are neither states nor timers.

    Besides fields, or the record, a function may take the event time of the row; a timer's callback
    takes that as ``at``, and the ``key`` of its group.
    """

    def __init__(self, function: Function) -> None:
        self._callback = function.callback
        self._moments = {"at"} if function.callback else {EVENT_TIME}
        self._decode = None
        self._arguments = Arguments(function.params)
        self.names = tuple(param.name for param in function.params)
        if function.argument is not None:
            self._decode = decoder(function.record_type)
            self.names = (function.argument,)

    def read(
        self,
        request: worker_pb2.RunRequest,
        groups: Groups,
        takes: Sequence[str],
        failures: Failures,
    ) -> dict[str, Sequence[Any]]:
        """Return a value a row for each parameter; a row that cannot be read fails."""
        found: dict[str, Sequence[Any]] = {}
        for name in self._moments.intersection(takes):
            found[name] = groups.times
        if self._callback and "key" in takes:
            each = zip(groups.keys, groups.bounds, strict=True)
            found["key"] = list(chain(*(repeat(key, end - start) for key, (start, end) in each)))
        return found | self._sent(request, failures)

    def _sent(self, request: worker_pb2.RunRequest, failures: Failures) -> dict[str, Sequence[Any]]:
        if request.rows == 0:
            return dict.fromkeys(self.names, ())
        if self._decode is not None:
            texts = wire.records(request.records, request.rows)
            decoded = collect(map(self._decode, texts), range(request.rows), failures)
            return dict.fromkeys(self.names, decoded)
        columns = self._arguments.read(request.columns, request.rows, failures)
        return dict(zip(self.names, columns, strict=True))


def _results(function: Function) -> tuple[Callable[[Any], Any], Deliver]:
    """Return what makes, and checks, the result of one call, and what sends all of them."""
    if function.result_type is not None:
        column = ColumnResult(function, function.result_type)
        return column.check, column.put
    records = RecordResults(function)

    def finish(result: Any) -> Any:
        encoded = records.encode(result)
        return jsontext.repaired(encoded) if isinstance(encoded, bytes) else encoded

    return finish, records.deliver
