"""The engine as a replay runs it: a process that calls the functions here."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from pyudf._harness import Names, PipelineError, find_program
from pyudf._process import EngineProcess
from pyudf._worker.execute import Executor
from pyudf.errors import ReplayError
from pyudf.worker.v1 import worker_pb2

__all__ = ["Engine", "Outcome", "Output", "RaisedBy"]

_PIPE: Final = 1 << 20
# A letter, and four bytes of length.
_HEAD: Final = 5


class Output(msgspec.Struct, frozen=True):
    """What came out of a topic."""

    records: int
    files: tuple[str, ...]


class RaisedBy(msgspec.Struct, frozen=True):
    """The record that ended a replay, and what its function raised."""

    source: str
    row: int
    step: str
    function: str
    exception: str
    message: str
    traceback: str


class Outcome(msgspec.Struct, frozen=True):
    """How a replay ended."""

    outputs: dict[str, Output]
    names: Names
    read: dict[str, int]
    raised: RaisedBy | None = None


class _Said(msgspec.Struct, frozen=True):
    read: dict[str, int] = {}
    outcome: Outcome | None = None


_DECODER: Final = msgspec.json.Decoder(_Said)


class Engine:
    """An engine for one replay, which calls the functions of this process in its own thread.

    It ends when it is closed, or when this process is gone. Frames on the pipe are a letter, the
    length and a message: see ``cmd/pyudf/internal/replay/kernel.go``.
    """

    def __init__(self) -> None:
        """Start it.

        Raises:
            ReplayError: There is no program.
        """
        try:
            program = find_program()
        except PipelineError as err:
            raise ReplayError(str(err)) from None
        # A call or an answer fits, so that neither side waits for the other to read it.
        self._process = EngineProcess([program, "replay", "--log-level", "warn"], pipesize=_PIPE)

    def run(
        self,
        plan: bytes,
        job: Mapping[str, Any],
        functions: Mapping[str, Executor],
        progress: Callable[[Mapping[str, int]], None],
    ) -> Outcome:
        """Do a job.

        Args:
            plan: The plan as a message.
            job: What is to be done.
            functions: What answers calls, by the ids of functions.
            progress: Is told how many records of each source were read.

        Raises:
            ReplayError: The engine could not do it.
        """
        __tracebackhide__ = True
        try:
            self._write(b"p", plan)
            self._write(b"j", msgspec.json.encode(job))
            while True:
                letter, data = self._read()
                if letter == b"c":
                    answer = _answer(functions, data)
                    # An engine that has ended has said why, behind this call.
                    with contextlib.suppress(BrokenPipeError):
                        self._write(b"a", answer)
                    continue
                said = _DECODER.decode(data)
                if said.outcome is not None:
                    return said.outcome
                progress(said.read)
        except BrokenPipeError:
            raise self._ended() from None

    def close(self) -> None:
        """End the process: it has nothing to save."""
        self._process.close()

    def _write(self, letter: bytes, data: bytes) -> None:
        self._process.stdin.write(letter + len(data).to_bytes(4, "little"))
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def _read(self) -> tuple[bytes, bytes]:
        __tracebackhide__ = True
        head = self._process.stdout.read(_HEAD)
        if len(head) < _HEAD:
            raise self._ended()
        return head[:1], self._process.stdout.read(int.from_bytes(head[1:], "little"))

    def _ended(self) -> ReplayError:
        return ReplayError(self._process.ended())


def _answer(functions: Mapping[str, Executor], data: bytes) -> bytes:
    request = worker_pb2.RunRequest.FromString(data)
    began = time.perf_counter_ns()
    response = functions[request.function](request)
    response.busy_ns = time.perf_counter_ns() - began
    return response.SerializeToString()
