"""What pyudf raises, and the places in the user's code that its messages point at."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any

__all__ = ["DefinitionError", "LoadError", "Origin", "ReplayError", "cell_of", "known"]

_CELL = re.compile(r"(.+\.ipynb)\[(\d+)\]")
_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in the user's code.

    Attributes:
        file: The file as Python knows it; a notebook's cell is ``heat.ipynb[3]``, or, in Jupyter,
            has a made-up name.
        line: The line, counted from 1.

    Example:
        >>> Origin("features.py", 12)
        Origin(file='features.py', line=12)
        >>> print(Origin("features.py", 12))
        features.py:12
        >>> print(Origin("heat.ipynb[3]", 5))
        heat.ipynb, cell 3, line 5
    """

    file: str
    line: int

    def __str__(self) -> str:
        """Return ``file:line``, relative to the working directory if the file is below it.

        Line 0 stands for the whole file. A cell that runs in Jupyter is ``In [3], line 2``.
        """
        loaded = _CELL.fullmatch(self.file)
        cell = f"{_near(loaded[1])}, cell {loaded[2]}" if loaded else cell_of(self.file)
        if cell is not None:
            return f"{cell}, line {self.line}"
        return f"{_near(self.file)}:{self.line}" if self.line else _near(self.file)

    @classmethod
    def caller(cls) -> Origin:
        """Return the line outside pyudf that the innermost call into pyudf came from."""
        frame = caller_frame()
        return (
            cls("<unknown>", 0) if frame is None else cls(frame.f_code.co_filename, frame.f_lineno)
        )

    @classmethod
    def of(cls, func: Callable[..., Any]) -> Origin:
        """Return where a function is defined; the caller if it has no Python source."""
        code = getattr(inspect.unwrap(func), "__code__", None)
        return cls.caller() if code is None else cls(code.co_filename, code.co_firstlineno)


def cell_of(file: str) -> str | None:
    """Return the name of the kernel's cell that is compiled as a file; None: it is no cell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    name = shell and shell.compile.format_code_name(file)
    # ("Cell", "In[3]")
    return name[1].replace("In[", "In [") if name else None


def _near(file: str) -> str:
    """Return a path as seen from the working directory, if it is below that."""
    return file.removeprefix(os.getcwd() + os.sep)


def caller_frame() -> FrameType | None:
    """Return the innermost frame whose code is not pyudf's own."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame


class DefinitionError(ValueError):
    """Something in the user's app cannot work. The message says what, where and what to write.

    Attributes:
        origin: The place that the message points at.

    Example:
        >>> import pyudf as pu
        >>> pu.App("heat index")
        Traceback (most recent call last):
            ...
        pyudf.errors.DefinitionError: ...: app name 'heat index' is no valid topic name...
    """

    def __init__(self, message: str, origin: Origin) -> None:
        """Make an error whose text is ``origin: message``."""
        super().__init__(f"{origin}: {message}")
        self.origin = origin


class LoadError(Exception):
    """The user's code could not be loaded.

    Attributes:
        message: What happened, where, and what to do next.
        traceback: The user's own frames; empty if the message says it all.

    Example:
        >>> str(LoadError("app.py defines no pu.App"))
        'app.py defines no pu.App'
    """

    def __init__(self, message: str, traceback: str = "") -> None:
        """Make an error from its two parts."""
        super().__init__(message)
        self.message = message
        self.traceback = traceback


class ReplayError(Exception):
    """A replay could not be done. The message says why, and what to do.

    Example:
        >>> str(ReplayError("there is no data for topic 'weather'"))
        "there is no data for topic 'weather'"
    """


def known(name: str, names: Iterable[str], what: str = "fields") -> str:
    """Return the part of a message that helps with an unknown name.

    Example:
        >>> known("temp", ["temp_f", "rh"])
        'known fields: temp_f, rh; did you mean temp_f?'
    """
    import difflib  # noqa: PLC0415 - only a mistake pays for it

    candidates = list(names)
    text = f"known {what}: {', '.join(candidates) or 'none'}"
    near = difflib.get_close_matches(name, candidates, n=1, cutoff=0.5)
    return f"{text}; did you mean {near[0]}?" if near else text
