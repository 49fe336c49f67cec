"""Functions over scalars: one call a row, parameters from columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat, starmap
from typing import Any

from pyudf._worker.execute.arguments import Arguments
from pyudf._worker.execute.calls import collect
from pyudf._worker.failure import Failures
from pyudf.functions import Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["ScalarCalls"]


class ScalarCalls:
    """Calls a function over scalars for every row of a request."""

    def __init__(self, function: Function, finish: Callable[[Any], Any] | None = None) -> None:
        """Prepare the readers of the function's parameters.

        Args:
            function: The function.
            finish: Makes the result of a call, as part of it, into what is kept.
        """
        self._call = function.call
        self._finish = finish
        self._arguments = Arguments(function.params)

    def __call__(self, request: worker_pb2.RunRequest, failures: Failures) -> list[Any]:
        """Return a result a row; None for a row that failed."""
        rows = request.rows
        columns = self._arguments.read(request.columns, rows, failures)
        if not failures:
            return collect(self._calls(columns, rows), range(rows), failures)
        readable = [row for row in range(rows) if row not in failures]
        columns = [[column[row] for row in readable] for column in columns]
        results: list[Any] = [None] * rows
        found = collect(self._calls(columns, len(readable)), readable, failures)
        for row, result in zip(readable, found, strict=True):
            results[row] = result
        return results

    def _calls(self, columns: Sequence[Sequence[Any]], rows: int) -> Iterator[Any]:
        calls = map(self._call, *columns) if columns else starmap(self._call, repeat((), rows))
        return calls if self._finish is None else map(self._finish, calls)
