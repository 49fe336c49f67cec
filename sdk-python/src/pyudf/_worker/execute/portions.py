"""What a function over several rows takes: lists here, what numpy and Arrow make in ``batches``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from pyudf._worker import wire
from pyudf._worker.execute.arguments import Arguments
from pyudf._worker.execute.calls import collect
from pyudf._worker.execute.record import decoder
from pyudf._worker.failure import Failures
from pyudf.functions import Container, Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["Portion", "Portions", "portions"]

Portion: TypeAlias = Callable[[int, int], Sequence[Any]]
"""The arguments of a call for rows start to end, in memory that the function may change."""


class Portions(Protocol):
    """Reads requests."""

    def read(self, request: worker_pb2.RunRequest, failures: Failures) -> Portion:
        """Return what makes arguments; a row that cannot be read fails."""


def portions(function: Function) -> Portions:
    """Return what reads requests for a function that takes several rows."""
    match function.container:
        case Container.RECORD:
            return _Records(function.record_type)
        case Container.LIST | Container.SCALAR:
            return _Lists(function)
        case _:
            # numpy, pandas and pyarrow cost 80 MB: only a function that names them pays.
            from pyudf._worker.execute.batches import Batches  # noqa: PLC0415

            batches = Batches(function)
            pandas = function.container in (Container.FRAME, Container.SERIES)
            return _Cut(batches) if pandas else batches


class _Lists:
    """A list of values a parameter."""

    def __init__(self, function: Function) -> None:
        self._arguments = Arguments(function.params)

    def read(self, request: worker_pb2.RunRequest, failures: Failures) -> Portion:
        columns = self._arguments.read(request.columns, request.rows, failures)
        return lambda start, end: [list(column[start:end]) for column in columns]


class _Records:
    """One list of records."""

    def __init__(self, record_type: Any) -> None:
        self._decode = decoder(record_type)

    def read(self, request: worker_pb2.RunRequest, failures: Failures) -> Portion:
        texts = wire.records(request.records, request.rows)
        found = collect(map(self._decode, texts), range(request.rows), failures)
        return lambda start, end: [found[start:end]]


class _Cut:
    """Frames and Series: made once and cut, since pandas takes longer to make one than to cut it.

    ``reset_index`` also sees to it that a function which changes its rows changes no others.
    """

    def __init__(self, batches: Portions) -> None:
        self._batches = batches

    def read(self, request: worker_pb2.RunRequest, failures: Failures) -> Portion:
        whole = self._batches.read(request, failures)(0, request.rows)
        return lambda start, end: [one.iloc[start:end].reset_index(drop=True) for one in whole]
