"""Topics and files as users name them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pyudf._graph import File, Place, Topic
from pyudf._names import check_name
from pyudf._options import UNITS, parse
from pyudf.errors import DefinitionError, Origin

TopicFormat: TypeAlias = Literal["json", "csv"]
FileFormat: TypeAlias = Literal["json", "csv", "parquet"]

SUFFIXES = {".csv": "csv", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet"}


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file to write to. Make one with ``file``.

    Attributes:
        path: Where it is.

    Example:
        >>> FileTarget("heat.jsonl").path
        'heat.jsonl'
    """

    path: str


def file(path: str | os.PathLike[str]) -> FileTarget:
    """Name a file as the target of ``Stream.to``.

    Args:
        path: Ends in ``.jsonl`` or ``.ndjson`` for JSON lines, in ``.parquet`` for Parquet. A
            relative path is relative to the directory that the app is run in.

    Raises:
        DefinitionError: The format of such a file is not known, or cannot be written.

    Example:
        >>> file("heat.jsonl")
        FileTarget(path='heat.jsonl')
    """
    place = file_place(path, None, Origin.caller())
    _check_written(place, Origin.caller())
    return FileTarget(place.name)


def suffix_of(path: str) -> str:
    """Return the suffix of a path, ``".csv"`` for example."""
    return os.path.splitext(path)[1].lower()


def file_place(path: object, file_format: str | None, origin: Origin) -> File:
    """Return a file with its format, by the suffix if None is given.

    Raises:
        DefinitionError: It is no path, or the format is not known.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str) or not text:
        message = f"{path!r} is no path of a file"
        raise DefinitionError(message, origin)
    found = SUFFIXES.get(suffix_of(text)) if file_format is None else file_format
    if found is None or found not in SUFFIXES.values():
        message = (
            f"the format of {text!r} is not known by its suffix; possible are {', '.join(SUFFIXES)}"
            if file_format is None
            else f'format={file_format!r}; possible are "csv", "json", "parquet"'
        )
        raise DefinitionError(message, origin)
    return File(os.path.expanduser(text), found)


def target_place(target: object, retention: str | None, origin: Origin) -> Place:
    """Return what a user means by the target of a stream.

    Raises:
        DefinitionError: It is neither a topic nor a file that can be written.
    """
    if isinstance(target, FileTarget | os.PathLike):
        path = target.path if isinstance(target, FileTarget) else target
        place = file_place(path, None, origin)
        _check_written(place, origin)
        if retention is not None:
            message = f"{place} has no retention; leave retention= out"
            raise DefinitionError(message, origin)
        return place
    if isinstance(target, str) and ("/" in target or suffix_of(target) in SUFFIXES):
        message = f"{target!r} looks like a file; write pu.file({target!r}) for a file"
        raise DefinitionError(message, origin)
    name = check_name(target, "target", origin)
    return Topic(name, retention_ms=0 if retention is None else _milliseconds(retention, origin))


def _milliseconds(retention: object, origin: Origin) -> int:
    ms = parse(retention)
    if ms is None or ms <= 0:
        message = (
            f"retention={retention!r}; write a number and one of {', '.join(UNITS)}, such as "
            '"7d"; leave it out to keep records without limit'
        )
        raise DefinitionError(message, origin)
    return ms


def _check_written(place: File, origin: Origin) -> None:
    if place.format == "csv":
        message = f"{place} is CSV, which is only read; write .jsonl, .ndjson or .parquet"
        raise DefinitionError(message, origin)
