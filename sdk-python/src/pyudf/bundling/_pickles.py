"""The modules whose classes a pickled object needs, read off its bytes: nothing is unpickled."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from typing import Final

SUFFIXES: Final = (".joblib", ".p", ".pickle", ".pkl")
_NAME: Final = rb"[^\W\d][\w.]*"
# GLOBAL: a module and a name, a line each.
_LINES: Final = re.compile(rb"c(" + _NAME + rb")\n" + _NAME + rb"\n")
_TEXT: Final = 0x8C  # SHORT_BINUNICODE: a length, and as many bytes
_MEMO: Final = 0x94  # MEMOIZE
_STACK_GLOBAL: Final = b"\x93"
_REFERENCES: Final = {b"h": 2, b"j": 5}  # BINGET and LONG_BINGET, with their arguments
_LONGEST: Final = 300_000_000
_PACKED: Final = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZ": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"]\x00\x00": lzma.LZMAFile,
}


def modules_of(path: str) -> list[str]:
    """Return the modules of the classes and functions in a file, ``__main__`` perhaps among them.

    Arrays lie between the parts of what joblib writes, so that names are looked for rather than
    read in their order; a file of another kind has none.
    """
    data = _data(path)
    found = {module.decode() for module in (*_by_lines(data), *_by_texts(data))}
    return sorted(found)


def _data(path: str) -> bytes:
    """Return what is in a file, unpacked if it was packed."""
    try:
        return _unpacked(path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        # It only began like a packed file.
        with open(path, "rb") as file:
            return file.read(_LONGEST)


def _unpacked(path: str) -> bytes:
    with open(path, "rb") as file:
        start = file.read(5)
    if start[:1] == b"\x78":
        with open(path, "rb") as file:
            return zlib.decompressobj().decompress(file.read(), _LONGEST)
    opener = next((o for magic, o in _PACKED.items() if start.startswith(magic)), open)
    with opener(path, "rb") as file:
        return bytes(file.read(_LONGEST))


def _by_lines(data: bytes) -> Iterator[bytes]:
    return (found[1] for found in _LINES.finditer(data))


def _by_texts(data: bytes) -> Iterator[bytes]:
    """Return the first of each two texts of which STACK_GLOBAL makes a class or function."""
    place = data.find(_TEXT)
    while place >= 0:
        module, behind = _text(data, place)
        name, end = _text(data, behind)
        if not name:
            # A name that stood there before is only referred to.
            end = behind + _REFERENCES.get(data[behind : behind + 1], 0)
        if module and end > behind and data[end : end + 1] == _STACK_GLOBAL:
            yield module
        place = data.find(_TEXT, place + 1)


def _text(data: bytes, place: int) -> tuple[bytes, int]:
    """Return the name that is written at a place, if it is one, and the place behind it."""
    if data[place : place + 1] != bytes([_TEXT]) or place + 1 >= len(data):
        return b"", place
    end = place + 2 + data[place + 1]
    text = data[place + 2 : end]
    behind = end + (data[end : end + 1] == bytes([_MEMO]))
    return (text, behind) if re.fullmatch(_NAME, text) else (b"", behind)
