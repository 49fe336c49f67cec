"""Runs a user's function over one request and makes the answer.

``calls`` runs a function row by row, each row once. ``scalar`` and ``record`` make what it takes
and call it, ``column`` and ``records`` make the wire's form of what it gave. ``vectorised`` does
the whole for functions over batches, from ``batches`` to ``outcome``.

``keyed`` runs functions that keep something for each key, with ``kept`` as their states and timers.
``grouped`` runs functions over the rows of a window and ``aggregation`` aggregators; ``portions``
makes what they take. Nothing here knows gRPC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pyudf._worker.execute.aggregation import Aggregation
from pyudf._worker.execute.column import ColumnResult
from pyudf._worker.execute.grouped import Grouped
from pyudf._worker.execute.keyed import Keyed
from pyudf._worker.execute.record import RecordCalls
from pyudf._worker.execute.records import RecordResults
from pyudf._worker.execute.scalar import ScalarCalls
from pyudf._worker.failure import Failures
from pyudf.functions import Container, Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["Executor", "executor"]

Executor: TypeAlias = Callable[[worker_pb2.RunRequest], worker_pb2.RunResponse]
Answer: TypeAlias = Callable[[worker_pb2.RunRequest, Failures, worker_pb2.RunResponse], None]
Deliver: TypeAlias = Callable[[list[Any], Failures, worker_pb2.RunResponse], None]


def executor(function: Function, failures: Callable[[], Failures] = Failures) -> Executor:
    """Return what answers requests for a function.

    Args:
        function: The function.
        failures: What makes a request's list of failures.

    Raises:
        TypeError: An annotation is one that no decoder can be made for.
        LoadError: A state is of a type that nothing can store.
    """
    if function.aggregator is not None:
        return _answering(Aggregation(function), failures)
    if function.grouped:
        return _answering(Grouped(function), failures)
    if function.takes or function.callback:
        return _answering(Keyed(function), failures)
    if function.container.vectorised:
        # numpy, pandas and pyarrow cost 80 MB: only a function that names them pays.
        from pyudf._worker.execute.vectorised import Vectorised  # noqa: PLC0415

        return _answering(Vectorised(function), failures)
    calls_of = RecordCalls if function.container is Container.RECORD else ScalarCalls
    if function.result_type is None:
        records = RecordResults(function)
        return _answering(
            _delivering(calls_of(function, records.encode), records.deliver), failures
        )
    column = ColumnResult(function, function.result_type)
    return _answering(_delivering(calls_of(function), column.deliver), failures)


def _answering(answer: Answer, begin: Callable[[], Failures]) -> Executor:
    def execute(request: worker_pb2.RunRequest) -> worker_pb2.RunResponse:
        failures = begin()
        response = worker_pb2.RunResponse(seq=request.seq, rows=request.rows)
        answer(request, failures, response)
        if failures:
            response.errors.extend(failures.errors())
        return response

    return execute


def _delivering(calls: RecordCalls | ScalarCalls, deliver: Deliver) -> Answer:
    def answer(
        request: worker_pb2.RunRequest, failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        deliver(calls(request, failures), failures, response)

    return answer
