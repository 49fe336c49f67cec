"""The engine as ``pyudf.testing`` runs it: a process, a line of JSON in, a line out."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from pyudf._process import EngineProcess

__all__ = ["Answer", "Harness", "Header", "Names", "PipelineError", "Wire", "find_program"]


class PipelineError(Exception):
    """The pipeline stopped, or was asked for something that it does not have.

    Example:
        >>> str(PipelineError("the app reads no 'orders'"))
        "the app reads no 'orders'"
    """


class Header(msgspec.Struct, frozen=True):
    """A header of a record."""

    key: str
    value: bytes


class Wire(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record on its way to the engine or back."""

    value: bytes | None
    key: bytes | None = None
    time: int | None = None
    headers: tuple[Header, ...] = ()
    partition: int | None = None


class Names(msgspec.Struct, frozen=True):
    """The topics of the app."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    late: tuple[str, ...]
    dead: str


class Answer(msgspec.Struct, frozen=True):
    """What the engine answers to a command."""

    topics: dict[str, list[Wire]] = {}
    error: str = ""
    names: Names | None = None


_DECODER: Final = msgspec.json.Decoder(Answer)


class Harness:
    """An engine for one app, in a process of its own.

    Attributes:
        names: The topics of the app.
    """

    def __init__(self, socket: str, *, partitions: int, now: int) -> None:
        """Start it for the worker at a socket.

        Raises:
            PipelineError: There is no program, or it cannot run the app.
        """
        command = [find_program(), "harness", "--attach", socket, "--log-level", "warn"]
        self._process = EngineProcess(
            [*command, "--partitions", str(partitions), "--now", str(now)]
        )
        try:
            names = self._answer().names
        except BaseException:
            self.close()
            raise
        assert names is not None
        self.names = names

    def ask(self, **command: Any) -> Answer:
        """Send a command and return the answer.

        Raises:
            PipelineError: The engine has ended.
        """
        try:
            self._process.stdin.write(msgspec.json.encode(command) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        return self._answer()

    def close(self) -> None:
        """End the process: it has nothing to save."""
        self._process.close()

    def _answer(self) -> Answer:
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._ended()
        return _DECODER.decode(line)

    def _ended(self) -> PipelineError:
        return PipelineError(self._process.ended())


def find_program() -> str:
    """Return the path of the ``pyudf`` command.

    It is what ``$PYUDF_BIN`` names, or the one beside the Python interpreter, where the wheel puts
    it, or in ``$PATH``, or in the source tree that this package lies in.

    Raises:
        PipelineError: There is none.
    """
    named = os.environ.get("PYUDF_BIN")
    if named:
        return _existing(named)
    candidates = [
        Path(sys.executable).parent / "pyudf",
        Path(shutil.which("pyudf") or os.devnull),
        Path(__file__).resolve().parents[3] / "bin" / "pyudf",
    ]
    for path in candidates:
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    message = (
        "there is no pyudf command, which runs the app, beside "
        f"{sys.executable} or in PATH; install pyudf from its wheel, which has it, or name "
        "it by PYUDF_BIN=/path/to/pyudf; in the source tree, build it: make build"
    )
    raise PipelineError(message)


def _existing(path: str) -> str:
    if os.path.isfile(path) and os.access(path, os.X_OK):
        return path
    message = f"PYUDF_BIN={path} is no program; name the pyudf command, or unset it"
    raise PipelineError(message)
