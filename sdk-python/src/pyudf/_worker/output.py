"""What user code prints, as log lines that say which function printed it."""

from __future__ import annotations

import datetime
import io
import os
import sys
import threading
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["Output"]

_LIMIT: Final = 8 * 1024
_ENCODE: Final = msgspec.json.Encoder().encode


class Output:
    """Writes what user code prints to a file descriptor, a JSON object a line, as hclog does.

    Attributes:
        function: The function that runs now: the lines carry its name.
        stdout: Takes the place of ``sys.stdout``.
        stderr: Takes the place of ``sys.stderr``.
    """

    def __init__(self, descriptor: int) -> None:
        """Write to a descriptor; lines are attributed to "load" until a function runs."""
        self.function = "load"
        self.stdout = _text(_Lines(self, descriptor, "info", 1))
        self.stderr = _text(_Lines(self, descriptor, "warn", 2))

    def install(self) -> None:
        """Take the place of the process's standard streams."""
        sys.stdout, sys.stderr = self.stdout, self.stderr

    def flush(self) -> None:
        """Write out lines that have no end yet."""
        for stream in (self.stdout, self.stderr):
            stream.flush()
            raw = stream.buffer.raw
            assert isinstance(raw, _Lines)
            raw.end_line()


class _Lines(io.RawIOBase):
    """Turns the bytes written to it into log lines."""

    def __init__(self, output: Output, descriptor: int, level: str, number: int) -> None:
        self._output = output
        self._descriptor = descriptor
        self._level = level
        self._number = number
        # Guards _rest and keeps the lines of threads apart; a signal handler may print too.
        self._lock = threading.RLock()
        self._rest = b""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """Return the process's own stdout or stderr, for programs that user code starts."""
        return self._number

    def write(self, data: ReadableBuffer, /) -> int:
        with self._lock:
            *lines, rest = (self._rest + bytes(data)).split(b"\n")
            for line in lines:
                self._emit(line.removesuffix(b"\r"))
            *full, self._rest = _pieces(rest)
            for piece in full:
                self._emit(piece)
        return memoryview(data).nbytes

    def end_line(self) -> None:
        with self._lock:
            rest, self._rest = self._rest, b""
            if rest:
                self._emit(rest)

    def _emit(self, line: bytes) -> None:
        for piece in _pieces(line):
            self._put(piece.decode("utf-8", "replace"))

    def _put(self, message: str) -> None:
        entry = {
            "@level": self._level,
            "@message": message,
            "@timestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            "function": self._output.function,
        }
        line = _ENCODE(entry) + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]


def _text(lines: _Lines) -> io.TextIOWrapper[io.BufferedWriter]:
    return io.TextIOWrapper(
        io.BufferedWriter(lines), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )


def _pieces(line: bytes) -> list[bytes]:
    """Return a line in pieces of at most _LIMIT bytes, each of whole characters; at least one."""
    pieces = []
    start = 0
    while len(line) - start > _LIMIT:
        end = start + _LIMIT
        while end > start + _LIMIT - 4 and line[end] & 0xC0 == 0x80:  # noqa: PLR2004  # UTF-8 goes on
            end -= 1
        pieces.append(line[start:end])
        start = end
    return [*pieces, line[start:]]
