"""The engine as a child of this process: two pipes, and what it said when it ends."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO, Final

__all__ = ["EngineProcess"]

_PATIENCE: Final = 10.0


class EngineProcess:
    """A command that runs until it is closed.

    Attributes:
        stdin: Where it reads.
        stdout: Where it writes.
    """

    def __init__(self, command: Sequence[str], *, pipesize: int = -1) -> None:
        """Start it.

        Args:
            command: The program and its arguments.
            pipesize: How many bytes each pipe holds; -1: as many as the system gives it.
        """
        self._errors: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            pipesize=pipesize,
            # Ctrl-C is for whoever started it, and ends it then.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.stdin: IO[bytes] = self._process.stdin
        self.stdout: IO[bytes] = self._process.stdout

    def ended(self) -> str:
        """Return why it ended, once it has."""
        code = self._process.wait(_PATIENCE)
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip()
        return said.removeprefix("pyudf: ") or f"the engine ended with {code}"

    def close(self) -> None:
        """End it: it has nothing to save."""
        self._process.kill()
        self._process.wait(_PATIENCE)
        for pipe in (self.stdin, self.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        self._errors.close()
