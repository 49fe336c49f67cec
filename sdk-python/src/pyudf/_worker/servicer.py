"""The services of a worker: its own and those that hashicorp/go-plugin asks for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any, Final

import grpc

from pyudf._worker.mainthread import MainThread, Refusal, Stream
from pyudf.worker.v1 import worker_pb2

__all__ = ["handlers"]

# grpc.health.v1.HealthCheckResponse{status: SERVING}, and an empty message.
_SERVING: Final = b"\x08\x01"
_EMPTY: Final = b""
_ABANDONED: Final = b"the engine has given up the call that this worker is at: the worker ends\n"


def handlers(
    description: worker_pb2.DescribeResponse, main: MainThread, *, own_process: bool
) -> tuple[grpc.GenericRpcHandler, ...]:
    """Return what a gRPC server needs to serve a worker.

    Args:
        description: What Describe answers.
        main: What answers requests.
        own_process: Whether the process does nothing else: then an engine may end it.
    """
    servicer = _Servicer(description, main, own_process)
    return (
        grpc.method_handlers_generic_handler("pyudf.worker.v1.WorkerService", servicer.methods()),
        grpc.method_handlers_generic_handler(
            "grpc.health.v1.Health",
            {"Check": grpc.unary_unary_rpc_method_handler(lambda _request, _context: _SERVING)},
        ),
        grpc.method_handlers_generic_handler(
            "plugin.GRPCController",
            {"Shutdown": grpc.unary_unary_rpc_method_handler(servicer.shutdown)},
        ),
    )


class _Servicer:
    def __init__(
        self, description: worker_pb2.DescribeResponse, main: MainThread, own_process: bool
    ) -> None:
        self._description = description
        self._main = main
        self._own_process = own_process

    def methods(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        return {
            "Describe": grpc.unary_unary_rpc_method_handler(
                self.describe,
                request_deserializer=worker_pb2.DescribeRequest.FromString,
                response_serializer=worker_pb2.DescribeResponse.SerializeToString,
            ),
            "Run": grpc.stream_stream_rpc_method_handler(
                self.run,
                request_deserializer=worker_pb2.RunRequest.FromString,
                response_serializer=worker_pb2.RunResponse.SerializeToString,
            ),
            "Control": grpc.unary_unary_rpc_method_handler(
                self.control,
                request_deserializer=worker_pb2.ControlRequest.FromString,
                response_serializer=worker_pb2.ControlResponse.SerializeToString,
            ),
        }

    def describe(
        self, _request: worker_pb2.DescribeRequest, _context: grpc.ServicerContext
    ) -> worker_pb2.DescribeResponse:
        return self._description

    def run(
        self, requests: Iterator[worker_pb2.RunRequest], context: grpc.ServicerContext
    ) -> Iterator[worker_pb2.RunResponse]:
        stream = self._main.open()
        if isinstance(stream, Refusal):
            context.abort(stream.code, stream.message)
        if not context.add_callback(lambda: self._main.close(stream)):
            self._main.close(stream)
        # Requests are received while an earlier one runs.
        receiver = threading.Thread(target=self._receive, args=(requests, stream), daemon=True)
        try:
            # An engine waits for them, to know that it is served.
            context.send_initial_metadata(())
            receiver.start()
            while (answer := stream.answers.get()) is not None:
                if isinstance(answer, Refusal):
                    context.abort(answer.code, answer.message)
                yield answer
        finally:
            # Before the client sees the end: it may open the next stream at once.
            self._main.close(stream)

    def control(
        self, request: worker_pb2.ControlRequest, context: grpc.ServicerContext
    ) -> worker_pb2.ControlResponse:
        match request.WhichOneof("action"):
            case "stop":
                self._main.stop()
            case "abandon" if self._own_process:
                if self._main.orphaned or (self._main.busy and not request.abandon.orphan):
                    os.write(2, _ABANDONED)
                    # User code may never return, and nobody waits for it.
                    context.add_callback(lambda: os._exit(1))
            case _:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, "this worker knows no such action")
        return worker_pb2.ControlResponse()

    def shutdown(self, _request: bytes, context: grpc.ServicerContext) -> bytes:
        # After the answer is on its way, for go-plugin waits for it.
        context.add_callback(self._end)
        return _EMPTY

    def _receive(self, requests: Iterator[worker_pb2.RunRequest], stream: Stream) -> None:
        try:
            for request in requests:
                self._main.submit(stream, request)
        except grpc.RpcError:
            # The client went away; the stream's callback closes it.
            return
        self._main.submit(stream, None)

    def _end(self) -> None:
        if self._main.busy:
            # User code may never return, and the engine runs its batch again elsewhere.
            os._exit(0)
        self._main.halt()
