"""What IPython understands and Python does not: magics, shell commands and questions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_CELL: Final = re.compile(r"\s*%%(\w*)(.*)")
_LINE: Final = re.compile(r"(\s*)([%!?]+)(\w*)(.*)")
_ASSIGNED: Final = re.compile(r"(\s*[\w.\[\]\"', ()*]+?=\s*)([%!])(?!=)(.*)")
_QUESTION: Final = re.compile(r"\s*[\w.\[\]\"']+\?{1,2}\s*(#.*)?$")
# Magics that run the Python that follows them as if they were not there.
_PYTHON: Final = frozenset({"time", "capture", "prun", "memray_flamegraph", "scalene"})
_QUOTES: Final = ("'''", '"""', "'", '"')


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cell without what only IPython understands.

    Attributes:
        text: Python with as many lines. What a magic binds is bound to ``get_ipython()``; where
            there was nothing else than a magic stands ``pass``.
        magics: What stood there, by line. Those of line 0 are for the whole cell.
        python: Whether the cell is Python at all.
    """

    text: str
    magics: dict[int, str]
    python: bool = True


def clean(text: str) -> Cleaned:
    """Take a cell apart that Python cannot parse."""
    lines = text.split("\n")
    magics: dict[int, str] = {}
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    whole = _CELL.fullmatch(lines[first])
    if whole is not None:
        magics[0] = lines[first].strip()
        lines[first] = ""
        if whole[1] not in _PYTHON:
            return Cleaned("", magics, python=False)
    scan = _Scan()
    number = 0
    while number < len(lines):
        replaced = _replacement(lines[number]) if scan.fresh else None
        if replaced is None:
            scan.read(lines[number])
            number += 1
            continue
        start = number
        while lines[number].endswith("\\") and number + 1 < len(lines):
            number += 1
        magics[start + 1] = lines[start].strip()
        lines[start] = replaced
        lines[start + 1 : number + 1] = [""] * (number - start)
        number += 1
    return Cleaned("\n".join(lines), magics)


def _replacement(line: str) -> str | None:
    """Return the Python that stands in for a line with a magic, None for a line without."""
    if found := _LINE.fullmatch(line):
        indent, sign, name, rest = found.groups()
        return f"{indent}{rest.strip()}" if sign == "%" and name == "time" else f"{indent}pass"
    if found := _ASSIGNED.fullmatch(line):
        return f"{found[1]}get_ipython()"
    return "pass" if _QUESTION.fullmatch(line) else None


class _Scan:
    """Reads lines and knows whether the next one begins a statement."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""
        self._continued = False

    @property
    def fresh(self) -> bool:
        """Whether the next line is in no string and in no bracket."""
        return not self._depth and not self._quote and not self._continued

    def read(self, line: str) -> None:
        i = 0
        while i < len(line):
            i += self._step(line, i)
        if len(self._quote) == 1 and not line.endswith("\\"):
            self._quote = ""
        self._continued = line.endswith("\\") and not self._quote

    def _step(self, line: str, i: int) -> int:
        """Read on from a character; return how many were read."""
        if self._quote:
            if line[i] == "\\":
                return 2
            if line.startswith(self._quote, i):
                length = len(self._quote)
                self._quote = ""
                return length
            return 1
        if line[i] == "#":
            return len(line) - i
        for quote in _QUOTES:
            if line.startswith(quote, i):
                self._quote = quote
                return len(quote)
        self._depth = max(0, self._depth + (line[i] in "([{") - (line[i] in ")]}"))
        return 1
