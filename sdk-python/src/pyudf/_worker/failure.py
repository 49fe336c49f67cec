"""What the engine learns about a row that could not be computed."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable
from types import CodeType, TracebackType
from typing import Final

from pyudf.errors import cell_of
from pyudf.worker.v1 import worker_pb2

__all__ = ["Failures", "Raised", "user_traceback"]

_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LIMIT: Final = 16 * 1024
_HEAD: Final = 4 * 1024
_KNOWN_STACKS: Final = 256
_DEPTH: Final = 64


class Failures:
    """The rows of one request that failed, each with the first reason.

    Every exception is turned into text at once, so that no frame of a failed call stays alive.
    """

    def __init__(self, witness: Callable[[str, str, BaseException], None] | None = None) -> None:
        """Start with no failed row; a witness is shown message, traceback and exception."""
        self._witness = witness
        self._errors: dict[int, worker_pb2.RowError] = {}
        # A function with a fault raises in every row from the same line: format it once.
        self._stacks: dict[tuple[tuple[CodeType, int], ...], str] = {}

    def __contains__(self, row: int) -> bool:
        """Tell whether a row failed."""
        return row in self._errors

    def __len__(self) -> int:
        """Return how many rows failed."""
        return len(self._errors)

    def add(self, row: int, error: BaseException) -> None:
        """Record that a row failed, unless it did before."""
        self.add_all((row,), error)

    def add_all(self, rows: Iterable[int], error: BaseException) -> None:
        """Record that rows failed for the same reason."""
        text = _limited(self._text(error))
        message = _limited(_message(error))
        if self._witness is not None:
            self._witness(message, text, error)
        for row in rows:
            self._errors.setdefault(
                row,
                worker_pb2.RowError(
                    row=row,
                    exception=_encodable(type(error).__qualname__),
                    message=message,
                    traceback=text,
                ),
            )

    def drop(self, rows: Iterable[int]) -> None:
        """Forget the failures of rows that do not count."""
        for row in rows if self._errors else ():
            self._errors.pop(row, None)

    def take(self, others: Failures, number: Callable[[int], int]) -> None:
        """Record the failures of rows as those of what they belong to, such as their group."""
        for error in others.errors():
            error.row = number(error.row)
            self._errors.setdefault(error.row, error)

    def errors(self) -> list[worker_pb2.RowError]:
        """Return the failed rows in order."""
        return [self._errors[row] for row in sorted(self._errors)]

    def _text(self, error: BaseException) -> str:
        key = _places(error.__traceback__)
        if _has_others(error) or len(key) > _DEPTH:
            return user_traceback(error)
        if not key:
            return ""
        stack = self._stacks.get(key)
        if stack is None:
            stack = "".join(_user_frames(traceback.extract_tb(error.__traceback__)).format())
            if len(self._stacks) < _KNOWN_STACKS:
                self._stacks[key] = stack
        last = "".join(traceback.format_exception_only(error))
        return f"Traceback (most recent call last):\n{stack}{last}"


class Raised:
    """The exceptions themselves, of which the engine has the words: the first few."""

    def __init__(self) -> None:
        """Start with none."""
        self._known: dict[tuple[str, str], BaseException] = {}

    def witness(self) -> Failures:
        """Return a list of failures that keeps what it is shown."""
        return Failures(self._keep)

    def find(self, message: str, text: str) -> BaseException | None:
        """Return the exception of a message and a traceback, without the frames of pyudf."""
        error = self._known.get((message, text))
        return None if error is None else error.with_traceback(_own_frames(error.__traceback__))

    def _keep(self, message: str, text: str, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt):
            raise error  # who runs the functions is to end, not a row
        if len(self._known) < _KNOWN_STACKS:
            self._known.setdefault((message, text), error)


def _own_frames(tb: TracebackType | None) -> TracebackType | None:
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        tb = tb.tb_next
    return tb


def user_traceback(error: BaseException) -> str:
    """Return the traceback as Python writes it, without the frames of pyudf.

    It is empty if there are no other frames: then the message says it all.
    """
    whole = traceback.TracebackException.from_exception(error)
    _strip(whole)
    if not whole.stack and not _has_others(error):
        return ""
    return _limited("".join(whole.format()))


def _has_others(error: BaseException) -> bool:
    """Tell whether the traceback shows other exceptions: those behind it or inside it."""
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return behind is not None or isinstance(error, BaseExceptionGroup)


def _strip(error: traceback.TracebackException | None) -> None:
    while error is not None:
        error.stack = _user_frames(error.stack)
        for inner in error.exceptions or ():
            _strip(inner)
        _strip(error.__cause__)
        error = error.__context__


def _user_frames(stack: traceback.StackSummary) -> traceback.StackSummary:
    frames = [frame for frame in stack if not frame.filename.startswith(_PACKAGE)]
    for frame in frames:
        # The kernel compiles a cell as a file that nobody knows; its lines are read already.
        frame.filename = cell_of(frame.filename) or frame.filename
    return traceback.StackSummary.from_list(frames)


def _places(tb: TracebackType | None) -> tuple[tuple[CodeType, int], ...]:
    """Return where each of the user's frames stands, at most one more than _DEPTH of them."""
    places: list[tuple[CodeType, int]] = []
    while tb is not None and len(places) <= _DEPTH:
        code = tb.tb_frame.f_code
        if not code.co_filename.startswith(_PACKAGE):
            places.append((code, tb.tb_lasti))
        tb = tb.tb_next
    return tuple(places)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    # The user's own __str__ may raise anything.
    except BaseException as err:
        return f"<the message of this exception raised {type(err).__qualname__}>"


def _limited(text: str) -> str:
    """Return text that fits the wire; a long one loses its middle, since both ends tell most."""
    text = _encodable(text)
    if len(text) <= _LIMIT:
        return text
    mark = "\n  [... cut by pyudf ...]\n"
    return text[:_HEAD] + mark + text[len(text) - (_LIMIT - _HEAD - len(mark)) :]


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
