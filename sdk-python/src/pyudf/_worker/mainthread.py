"""The one thread that runs user code.

gRPC's threads receive requests and send answers; user code runs in the process's main thread, as
it does in a notebook, where signals, event loops and plotting libraries expect to be.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import grpc

from pyudf._worker.execute import Executor
from pyudf._worker.failure import user_traceback
from pyudf._worker.output import Output
from pyudf._worker.wire import WireError
from pyudf.worker.v1 import worker_pb2

__all__ = ["MainThread", "Refusal", "Stream", "Work"]

_STOPPING: Final = "it is being stopped"
_TAKEN: Final = "a stream of batches is open already: a worker serves one engine at a time"
_ORPHANED: Final = "it is still at a call that an engine has given up"


@dataclass(frozen=True, slots=True)
class Work:
    """What answers the requests for one function, and the name that its output carries."""

    name: str
    execute: Executor


@dataclass(frozen=True, slots=True)
class Refusal:
    """Ends a stream: the request cannot be answered."""

    code: grpc.StatusCode
    message: str


class Stream:
    """One stream of batches. Its answers stand in the order of the requests; None ends it."""

    def __init__(self) -> None:
        """Start without answers."""
        self.answers: queue.SimpleQueue[worker_pb2.RunResponse | Refusal | None] = (
            queue.SimpleQueue()
        )
        self.closed = False


class MainThread:
    """Takes requests from a stream in their order and answers them one after the other.

    The engine's credits bound how many requests wait.
    """

    def __init__(self, works: Mapping[str, Work], output: Output) -> None:
        """Prepare to answer for functions by their id."""
        self._works = works
        self._output = output
        self._waiting: queue.SimpleQueue[tuple[Stream, worker_pb2.RunRequest | None] | None] = (
            queue.SimpleQueue()
        )
        # Guards _stream and _stopping.
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._stopping = False
        self._halted = False
        # The stream that the request came by which is at work.
        self._at: Stream | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is at work."""
        return self._at is not None

    @property
    def orphaned(self) -> bool:
        """Whether a request is at work whose stream is gone."""
        at = self._at
        return at is not None and at.closed

    def open(self) -> Stream | Refusal:
        """Return a new stream, or why there is none: a worker serves one engine at a time."""
        with self._lock:
            if self._stopping:
                return Refusal(grpc.StatusCode.UNAVAILABLE, _STOPPING)
            if self._stream is not None:
                return Refusal(grpc.StatusCode.FAILED_PRECONDITION, _TAKEN)
            if self.orphaned:
                return Refusal(grpc.StatusCode.UNAVAILABLE, _ORPHANED)
            self._stream = Stream()
            return self._stream

    def close(self, stream: Stream) -> None:
        """Forget a stream: its client is gone or has every answer. Requests of it are dropped."""
        stream.closed = True
        stream.answers.put(None)
        with self._lock:
            if self._stream is stream:
                self._stream = None

    def submit(self, stream: Stream, request: worker_pb2.RunRequest | None) -> None:
        """Queue a request; None says that the stream has no more of them."""
        self._waiting.put((stream, request))

    def stop(self) -> None:
        """Let ``run`` return once it has answered what was queued before."""
        with self._lock:
            self._stopping = True
        self._waiting.put(None)

    def halt(self) -> None:
        """Let ``run`` return after the request that it is at."""
        self._halted = True
        self._waiting.put(None)

    def run(self) -> None:
        """Answer requests until it is told to stop. REQUIRES: one call a process's life."""
        while (item := self._waiting.get()) is not None and not self._halted:
            stream, request = item
            if request is None:
                stream.answers.put(None)
            elif not stream.closed:
                self._at = stream
                answer = self._answer(request)
                self._at = None
                stream.answers.put(answer)
        with self._lock:
            if self._stream is not None:
                self._stream.answers.put(None)

    def _answer(self, request: worker_pb2.RunRequest) -> worker_pb2.RunResponse | Refusal:
        work = self._works.get(request.function)
        if work is None:
            message = f"this worker has no function {request.function!r}"
            return Refusal(grpc.StatusCode.NOT_FOUND, message)
        start = time.perf_counter_ns()
        self._output.function = work.name
        try:
            response = work.execute(request)
        except WireError as err:
            message = f"batch {request.seq} for {work.name} cannot be read: {err}"
            return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)
        except Exception as err:
            message = f"batch {request.seq} for {work.name}: {type(err).__qualname__}: {err}"
            return Refusal(grpc.StatusCode.INTERNAL, message + "\n" + user_traceback(err))
        finally:
            self._output.flush()
        response.busy_ns = time.perf_counter_ns() - start
        return response
