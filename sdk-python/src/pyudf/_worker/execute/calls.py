"""Calls that may raise, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pyudf._worker.failure import Failures

__all__ = ["collect", "each", "runs"]


def collect(calls: Iterator[Any], rows: Sequence[int], failures: Failures) -> list[Any]:
    """Return what each call gave, None where it raised; the failure goes to its row.

    REQUIRES: ``calls`` is a ``map``: it makes one call a step and goes on after one that raised.

    The loop over rows is in C: ``extend`` keeps what it has when a call raises, so no row is
    called twice. Whatever user code raises is a failure of its row, SystemExit too: a worker does
    not end because a function says so.
    """
    results: list[Any] = []
    while True:
        try:
            results.extend(calls)
            if len(results) == len(rows):
                return results
            # Without its end the map can only have stopped because a call raised StopIteration.
            error: BaseException = StopIteration("the function raised StopIteration")
        except BaseException as err:
            error = err
        failures.add(rows[len(results)], error)
        # Its traceback holds this frame: a cycle that would keep the failed call's values alive.
        del error
        results.append(None)


def each(convert: Callable[[Any], Any], found: Sequence[Any], failures: Failures) -> list[Any]:
    """Return the values converted one by one; None stays None, a failed row becomes None."""
    results = list(found)
    for row, value in enumerate(found):
        if value is None:
            continue
        try:
            results[row] = convert(value)
        except BaseException as err:
            results[row] = None
            failures.add(row, err)
    return results


def runs(start: int, end: int, failures: Failures) -> Iterator[tuple[int, int]]:
    """Return the longest runs of rows from start to end that did not fail."""
    first = start
    if failures:
        for row in range(start, end):
            if row in failures:
                if row > first:
                    yield first, row
                first = row + 1
    if end > first:
        yield first, end
