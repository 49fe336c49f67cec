"""The engine's side of a worker, for tests: columns made and read by pyarrow, a real channel."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import grpc
import pyarrow as pa

from pyudf._worker.execute import executor
from pyudf._worker.mainthread import MainThread, Work
from pyudf._worker.output import Output as Printed
from pyudf._worker.serve import new_server
from pyudf.functions import Container, Function, Output, Param
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

ARROW = {
    FieldType.BOOL: pa.bool_(),
    FieldType.INT64: pa.int64(),
    FieldType.FLOAT64: pa.float64(),
}
SCALARS = {bool: FieldType.BOOL, int: FieldType.INT64, float: FieldType.FLOAT64}


def function(
    call: Callable[..., Any],
    container: Container,
    *,
    params: Sequence[tuple[str, FieldType, Any]] = (),
    record_type: Any = None,
    result: Any = None,
    result_type: FieldType | None = None,
    nullable: bool = False,
) -> Function:
    return Function(
        id=f"tests.{call.__name__}",
        name=call.__name__,
        call=call,
        file=__file__,
        line=1,
        container=container,
        params=tuple(
            Param(name, kind, nullable=nullable, annotation=annotation)
            for name, kind, annotation in params
        ),
        record_type=record_type,
        output=Output.RECORDS if result_type is None else Output.COLUMN,
        result=result,
        result_type=result_type,
        many=False,
    )


def scalar(
    call: Callable[..., Any], result_type: FieldType | None, *kinds: FieldType, result: Any = None
) -> Function:
    """Describe a function over scalars whose parameters have those types."""
    annotations = inspect.get_annotations(call, eval_str=True)
    names = [name for name in inspect.signature(call).parameters]
    params = [
        (name, kind, annotations.get(name, Any)) for name, kind in zip(names, kinds, strict=True)
    ]
    returns = annotations.get("return") if result is None else result
    return function(call, Container.SCALAR, params=params, result=returns, result_type=result_type)


def record(
    call: Callable[..., Any], record_type: Any = dict, result_type: FieldType | None = None
) -> Function:
    """Describe a function over records."""
    return function(call, Container.RECORD, record_type=record_type, result_type=result_type)


def vectorised(
    call: Callable[..., Any],
    container: Container,
    result_type: FieldType | None,
    *params: tuple[str, FieldType],
    nullable: bool = False,
) -> Function:
    """Describe a function over batches."""
    described = [(name, kind, Any) for name, kind in params]
    return function(
        call, container, params=described, result_type=result_type, nullable=nullable, result=float
    )


def to_column(kind: FieldType, values: Sequence[Any]) -> worker_pb2.Column:
    """Return pyarrow's buffers for values."""
    array = pa.array(values, ARROW.get(kind, pa.string()))
    validity, *buffers = [b"" if b is None else b.to_pybytes() for b in array.buffers()]
    column = worker_pb2.Column(validity=validity if array.null_count else b"")
    if len(buffers) > 1:
        column.offsets = buffers[0][: 4 * len(values) + 4]
    column.values = _trimmed(buffers[-1], kind, len(values))
    return column


def from_column(kind: FieldType, column: worker_pb2.Column, rows: int) -> pa.Array:
    """Return the array that pyarrow sees in a column's buffers, checked by pyarrow."""
    buffers = [pa.py_buffer(column.validity) if column.validity else None]
    if kind not in ARROW:
        buffers.append(pa.py_buffer(column.offsets))
    buffers.append(pa.py_buffer(column.values))
    array = pa.Array.from_buffers(ARROW.get(kind, pa.string()), rows, buffers)
    array.validate(full=True)
    return array


def _trimmed(data: bytes, kind: FieldType, rows: int) -> bytes:
    sizes = {
        FieldType.BOOL: (rows + 7) // 8,
        FieldType.INT64: 8 * rows,
        FieldType.FLOAT64: 8 * rows,
    }
    return data[: sizes.get(kind, len(data))]


class Engine:
    """Speaks to a worker over a channel."""

    def __init__(self, channel: grpc.Channel, functions: Iterable[Function], printed: str) -> None:
        self.channel = channel
        self.functions = {one.id: one for one in functions}
        self._printed = printed
        service = "/pyudf.worker.v1.WorkerService/"
        self.stream = channel.stream_stream(
            service + "Run",
            request_serializer=worker_pb2.RunRequest.SerializeToString,
            response_deserializer=worker_pb2.RunResponse.FromString,
        )
        self.control = channel.unary_unary(
            service + "Control",
            request_serializer=worker_pb2.ControlRequest.SerializeToString,
            response_deserializer=worker_pb2.ControlResponse.FromString,
        )
        self.describe = channel.unary_unary(
            service + "Describe",
            request_serializer=worker_pb2.DescribeRequest.SerializeToString,
            response_deserializer=worker_pb2.DescribeResponse.FromString,
        )

    def run(self, *requests: worker_pb2.RunRequest) -> list[worker_pb2.RunResponse]:
        return list(self.stream(iter(requests), timeout=30))

    def columns(self, *values: Sequence[Any]) -> worker_pb2.RunResponse:
        """Run the only function over columns."""
        (only,) = self.functions.values()
        return self.run(columns_request(only, *values))[0]

    def records(self, *texts: str | bytes) -> worker_pb2.RunResponse:
        """Run the only function over records."""
        (only,) = self.functions.values()
        return self.run(records_request(only, *texts))[0]

    def printed(self) -> bytes:
        """Return what the worker has written as log lines."""
        with open(self._printed, "rb") as file:
            return file.read()


def columns_request(
    to: Function, *values: Sequence[Any], rows: int | None = None, seq: int = 7
) -> worker_pb2.RunRequest:
    columns = [to_column(p.type, v) for p, v in zip(to.params, values, strict=True)]
    return worker_pb2.RunRequest(
        seq=seq,
        function=to.id,
        rows=len(values[0]) if rows is None else rows,
        columns=worker_pb2.Columns(columns=columns),
    )


def records_request(to: Function, *texts: str | bytes) -> worker_pb2.RunRequest:
    encoded = [text.encode() if isinstance(text, str) else text for text in texts]
    array = pa.array(encoded, pa.binary())
    _, offsets, data = array.buffers()
    return worker_pb2.RunRequest(
        seq=7,
        function=to.id,
        rows=len(texts),
        records=worker_pb2.Records(
            data=b"".join(encoded) if data is None else data.to_pybytes(),
            offsets=offsets.to_pybytes()[: 4 * len(texts) + 4],
        ),
    )


def values(response: worker_pb2.RunResponse, kind: FieldType) -> list[Any]:
    found: list[Any] = from_column(kind, response.column, response.rows).to_pylist()
    return found


def emitted(response: worker_pb2.RunResponse) -> list[tuple[int, str]]:
    """Return the records of a response, each with the row that it comes from."""
    out = response.records
    count = len(out.sources) // 4
    sources = pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(out.sources)])
    buffers = [None, pa.py_buffer(out.records.offsets), pa.py_buffer(out.records.data)]
    texts = pa.Array.from_buffers(pa.string(), count, buffers)
    texts.validate(full=True)
    return list(zip(sources.to_pylist(), texts.to_pylist(), strict=True))


def errors(response: worker_pb2.RunResponse) -> dict[int, tuple[str, str]]:
    return {error.row: (error.exception, error.message) for error in response.errors}


@contextlib.contextmanager
def worker(
    *functions: Function, new_main: Callable[..., MainThread] = MainThread
) -> Iterator[Engine]:
    """Serve functions in this process and connect to them over a Unix socket."""
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        file = stack.enter_context(io.FileIO(os.path.join(directory, "printed"), "w"))
        printed = Printed(file.fileno())
        stack.enter_context(contextlib.redirect_stdout(printed.stdout))
        stack.enter_context(contextlib.redirect_stderr(printed.stderr))
        works = {one.id: Work(one.name, executor(one)) for one in functions}
        main = new_main(works, printed)
        server = new_server(worker_pb2.DescribeResponse(), main)
        address = f"unix:{directory}/worker.sock"
        server.add_insecure_port(address)
        server.start()
        thread = threading.Thread(target=main.run)
        thread.start()
        options = [("grpc.max_receive_message_length", -1)]
        with grpc.insecure_channel(address, options) as channel:
            yield Engine(channel, functions, file.name)
        main.stop()
        thread.join()
        server.stop(0).wait()
