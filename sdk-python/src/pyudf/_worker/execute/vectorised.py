"""Functions over batches: one call for as many rows as come through together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pyudf._worker.execute.batches import Batches
from pyudf._worker.execute.calls import runs
from pyudf._worker.execute.outcome import ColumnOutcome, RecordsOutcome, ResultError
from pyudf._worker.failure import Failures
from pyudf.functions import Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["Vectorised"]


class Vectorised:
    """Calls a function over batches; if a call raises, finds the rows that make it raise."""

    def __init__(self, function: Function) -> None:
        """Prepare what the function takes and gives."""
        self._call = function.call
        self._batches = Batches(function)
        self._new_outcome: Callable[[], ColumnOutcome | RecordsOutcome] = (
            (lambda: RecordsOutcome(function))
            if function.result_type is None
            else (lambda: ColumnOutcome(function))
        )

    def __call__(
        self, request: worker_pb2.RunRequest, failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        """Answer a request; rows whose values cannot be read fail and cut the batch in two."""
        part = self._batches.read(request, failures)
        outcome = self._new_outcome()
        pending = list(runs(0, request.rows, failures))[::-1]
        while pending:
            start, end = pending.pop()
            error = self._attempt(part, start, end, outcome, failures)
            if error is None:
                continue
            if isinstance(error, ResultError):
                failures.add_all(range(start, end), TypeError(str(error)))
            elif end - start == 1:
                failures.add(start, error)
            else:
                middle = (start + end) // 2
                pending += [(middle, end), (start, middle)]
        outcome.deliver(request.rows, failures, response)

    def _attempt(
        self,
        part: Callable[[int, int], Sequence[Any]],
        start: int,
        end: int,
        outcome: ColumnOutcome | RecordsOutcome,
        failures: Failures,
    ) -> BaseException | None:
        """Call the function for some rows and keep what it gave; return what it raised.

        The arguments are made anew for each attempt, for the function may have changed them.
        """
        try:
            outcome.add(self._call(*part(start, end)), start, end, failures)
        except BaseException as err:
            return err
        return None
