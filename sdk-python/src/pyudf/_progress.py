"""How far a replay is: a line that changes, in a notebook and on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final

from pyudf._html import display, in_notebook

__all__ = ["Progress"]

# What is over sooner needs no bar.
_PATIENCE: Final = 0.5
_WIDTH: Final = 30


class Progress:
    """Shows how many records were read. Use it in a ``with`` statement, at whose end it is gone.

    In a notebook it is a bar of HTML, on a terminal a line; elsewhere there is nothing.
    """

    def __init__(self, totals: Mapping[str, int | None]) -> None:
        """Prepare for sources with so many records each; None: nobody knows."""
        self._totals = totals
        self._began = time.monotonic()
        self._screen: _Notebook | _Terminal | None = None
        self._shown = False

    def __enter__(self) -> Progress:
        """Find out where to show it."""
        if in_notebook():
            self._screen = _Notebook()
        elif sys.stderr is not None and sys.stderr.isatty():
            self._screen = _Terminal()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove it."""
        if self._screen is not None and self._shown:
            self._screen.clear()

    def show(self, read: Mapping[str, int]) -> None:
        """Show how many records of each source were read."""
        if self._screen is None or time.monotonic() - self._began < _PATIENCE:
            return
        self._shown = True
        done = sum(read.values())
        known = [self._totals.get(name) for name in read]
        total = None if None in known or not known else sum(filter(None, known))
        self._screen.draw(done, total, time.monotonic() - self._began)


def _text(done: int, total: int | None, seconds: float) -> str:
    rate = f"{done / seconds:,.0f} records/s" if seconds else ""
    if not total:
        return f"{done:,} records, {rate}"
    return f"{done:,} of {total:,} records, {rate}"


class _Notebook:
    def __init__(self) -> None:
        self._update: Callable[[str], None] | None = None

    def draw(self, done: int, total: int | None, seconds: float) -> None:
        value = f' value="{done}" max="{total}"' if total else ""
        text = f"<progress{value}></progress> {_text(done, total, seconds)}"
        if self._update is None:
            self._update = display(text)
        else:
            self._update(text)

    def clear(self) -> None:
        if self._update is not None:
            self._update("")


class _Terminal:
    def draw(self, done: int, total: int | None, seconds: float) -> None:
        filled = round(_WIDTH * min(1.0, done / total)) if total else 0
        bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] " if total else ""
        self._write(f"\r\x1b[K{bar}{_text(done, total, seconds)}")

    def clear(self) -> None:
        self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
