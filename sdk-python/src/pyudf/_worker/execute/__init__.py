"""Runs a user's function over one request and makes the answer.

``calls`` runs a function row by row, each row once. ``arguments``, ``record`` make what it takes;
``column`` and ``records`` make the wire's form of what it gave. ``vectorised`` does the whole for
functions over batches. Nothing here knows gRPC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pyudf._worker.execute.column import ColumnResult
from pyudf._worker.execute.record import RecordCalls
from pyudf._worker.execute.records import RecordResults
from pyudf._worker.execute.scalar import ScalarCalls
from pyudf._worker.failure import Failures
from pyudf.functions import Container, Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["Executor", "executor"]

Executor: TypeAlias = Callable[[worker_pb2.RunRequest], worker_pb2.RunResponse]


def executor(function: Function) -> Executor:
    """Return what answers requests for a function.

    Raises:
        TypeError: An annotation is one that no decoder can be made for.
    """
    if function.container.vectorised:
        # numpy, pandas and pyarrow cost 80 MB: only a function that names them pays.
        from pyudf._worker.execute.vectorised import Vectorised  # noqa: PLC0415

        return _answering(Vectorised(function))
    calls = (
        RecordCalls(function) if function.container is Container.RECORD else ScalarCalls(function)
    )
    deliver = _delivery(function)

    def answer(
        request: worker_pb2.RunRequest, failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        deliver(calls(request, failures), failures, response)

    return _answering(answer)


def _answering(
    answer: Callable[[worker_pb2.RunRequest, Failures, worker_pb2.RunResponse], None],
) -> Executor:
    def execute(request: worker_pb2.RunRequest) -> worker_pb2.RunResponse:
        failures = Failures()
        response = worker_pb2.RunResponse(seq=request.seq, rows=request.rows)
        answer(request, failures, response)
        if failures:
            response.errors.extend(failures.errors())
        return response

    return execute


def _delivery(
    function: Function,
) -> Callable[[list[Any], Failures, worker_pb2.RunResponse], None]:
    if function.result_type is None:
        return RecordResults(function).deliver
    return ColumnResult(function, function.result_type).deliver
