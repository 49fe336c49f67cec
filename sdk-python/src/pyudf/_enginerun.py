"""The engine as a replay runs it: a process, a job in, lines of progress out."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from typing import IO, Any, Final

import msgspec

from pyudf._harness import Names, PipelineError, find_program
from pyudf.errors import ReplayError

__all__ = ["Engine", "Outcome", "Output", "RaisedBy"]

_PATIENCE: Final = 10.0


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
    """An engine for one replay. It ends when it is closed, or when this process is gone."""

    def __init__(self, socket: str) -> None:
        """Start it for the worker at a socket.

        Raises:
            ReplayError: There is no program.
        """
        try:
            program = find_program()
        except PipelineError as err:
            raise ReplayError(str(err)) from None
        self._errors: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [program, "replay", "--attach", socket, "--log-level", "warn"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            # Ctrl-C is for the notebook, which ends the process then.
            start_new_session=True,
        )

    def run(self, job: Mapping[str, Any], progress: Callable[[Mapping[str, int]], None]) -> Outcome:
        """Do a job.

        Raises:
            ReplayError: The engine could not do it.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(msgspec.json.encode(job) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        for line in self._process.stdout:
            said = _DECODER.decode(line)
            if said.outcome is not None:
                return said.outcome
            progress(said.read)
        raise self._ended()

    def close(self) -> None:
        """End the process: it has nothing to save."""
        self._process.kill()
        self._process.wait(_PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        self._errors.close()

    def _ended(self) -> ReplayError:
        code = self._process.wait(_PATIENCE)
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip()
        return ReplayError(said.removeprefix("pyudf: ") or f"the engine ended with {code}")
