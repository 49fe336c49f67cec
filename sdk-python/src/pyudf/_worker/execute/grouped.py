"""Functions over the rows of a group: one call and one value a group."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from pyudf._worker.execute.column import ColumnResult
from pyudf._worker.execute.portions import portions
from pyudf._worker.failure import Failures
from pyudf._worker.groups import Groups
from pyudf.functions import Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["Grouped", "fail_groups"]


class Grouped:
    """Calls a function once for each group. A group of which a row cannot be read fails."""

    def __init__(self, function: Function) -> None:
        """Prepare what the function takes and gives. REQUIRES: it has a result type."""
        assert function.result_type is not None
        self._call = function.call
        self._portions = portions(function)
        self._result = ColumnResult(function, function.result_type)

    def __call__(
        self, request: worker_pb2.RunRequest, failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        """Answer a request."""
        groups = Groups(request)
        unreadable = Failures()
        portion = self._portions.read(request, unreadable)
        fail_groups(groups, unreadable, failures)
        results: list[Any] = [None] * len(groups)
        for group, (start, end) in enumerate(groups.bounds):
            if group in failures:
                continue
            try:
                results[group] = self._call(*portion(start, end))
            except BaseException as err:
                failures.add(group, err)
        self._result.deliver(results, failures, response)


def fail_groups(groups: Groups, rows: Failures, failures: Failures) -> None:
    """Let the groups fail of which rows did."""
    if rows:
        ends: Sequence[int] = [end for _, end in groups.bounds]
        failures.take(rows, lambda row: bisect_right(ends, row))
