"""A user's data as Arrow tables, and results as frames of the user's own library."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import msgspec

__all__ = ["Data", "Library", "NoData", "read_data", "to_json", "to_library"]

Library: TypeAlias = Literal["pandas", "polars", "pyarrow"]

_SUFFIXES: Final = (".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".pq")


def _plain(value: Any) -> Any:
    """Return a scalar of numpy as Python has it."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    message = f"{type(value).__qualname__} has no JSON"
    raise TypeError(message)


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain)


def to_json(value: Any) -> bytes | None:
    """Return a value as JSON, moments in UTC; None of None.

    Raises:
        TypeError, ValueError: It has none.
    """
    return None if value is None else _ENCODER.encode(_zoned(value))


class NoData(ValueError):
    """What was given is no data: the message says what it is, and what is taken."""


@dataclass(frozen=True, slots=True)
class Data:
    """What a source is to read. Exactly one of ``table``, ``texts`` and ``path`` is set.

    Attributes:
        library: The user's own library: results are frames of it.
        table: An Arrow table.
        documents: Its columns of bytes that are JSON values: Python objects of any kind.
        texts: Records as JSON texts.
        names: The records' fields; None if only the engine will see them.
        path: A CSV, JSON lines or Parquet file.
    """

    library: Library
    table: Any = None
    documents: frozenset[str] = frozenset()
    texts: list[bytes] = field(default_factory=list)
    names: tuple[str, ...] | None = None
    path: str = ""

    @property
    def rows(self) -> int | None:
        """The number of records, None if that is not known."""
        if self.path:
            return None
        return len(self.texts) if self.table is None else int(self.table.num_rows)


def read_data(given: Any) -> Data:
    """Return what a user gives as data.

    Raises:
        NoData: It is none.
    """
    if isinstance(given, str | os.PathLike):
        return Data("pyarrow", path=_file(os.fspath(given)))
    kind = type(given).__module__.partition(".")[0]
    if kind == "pandas" and hasattr(given, "columns"):
        return _of_pandas(given)
    if kind == "polars" and hasattr(given, "collect_schema"):
        frame = given.collect() if hasattr(given, "collect") else given
        return _of_table("polars", frame.to_arrow())
    if kind == "pyarrow" and hasattr(given, "schema") and hasattr(given, "column_names"):
        return _of_table("pyarrow", given)
    if kind == "pyarrow" and hasattr(given, "to_struct_array"):
        return _of_table("pyarrow", sys.modules["pyarrow"].Table.from_batches([given]))
    if isinstance(given, Sequence) and not isinstance(given, bytes | bytearray):
        return _of_records(given)
    message = (
        f"it is {type(given).__qualname__}; give a DataFrame of pandas or polars, a pyarrow.Table, "
        "a list of dicts, or the path of a CSV, JSON lines or Parquet file"
    )
    raise NoData(message)


def _file(path: str) -> str:
    if not path.lower().endswith(_SUFFIXES):
        message = f"{path}: its name does not end on {', '.join(_SUFFIXES)}"
        raise NoData(message)
    if not os.path.isfile(path):
        message = f"{path}: there is no such file in {os.getcwd()}"
        raise NoData(message)
    return os.path.abspath(path)


def _of_records(given: Sequence[Any]) -> Data:
    texts: list[bytes] = []
    names: dict[str, None] = {}
    for row, value in enumerate(given):
        if not isinstance(value, Mapping):
            message = f"item {row} of the list is {type(value).__qualname__}; give dicts"
            raise NoData(message)
        names.update(dict.fromkeys(value))
        try:
            texts.append(_ENCODER.encode(_zoned(value)))
        except (TypeError, ValueError) as err:
            message = f"item {row} of the list is no JSON: {err}"
            raise NoData(message) from None
    return Data("pyarrow", texts=texts, names=tuple(names))


def _zoned(value: Any) -> Any:
    """Return a value as it is in JSON: moments without a zone are in UTC."""
    import datetime  # noqa: PLC0415

    if isinstance(value, datetime.datetime):
        at = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
        return at.astimezone(datetime.UTC)
    if isinstance(value, Mapping):
        return {key: _zoned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_zoned(item) for item in value]
    return value


def _of_table(library: Library, table: Any, documents: frozenset[str] = frozenset()) -> Data:
    names = tuple(table.column_names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"two of its columns are called {twice[0]!r}; a record has each field once"
        raise NoData(message)
    return Data(library, table=table, documents=documents, names=names)


def _of_pandas(frame: Any) -> Data:
    import pandas as pd  # noqa: PLC0415 - it is there, as the frame is

    pa = _arrow()
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    odd = [name for name in frame.columns if not isinstance(name, str)]
    if odd:
        message = f"its column {odd[0]!r} has no text for a name; fields of records have"
        raise NoData(message)
    documents: set[str] = set()
    columns: dict[str, Any] = {}
    for name, series in frame.items():
        if series.dtype == object and _are_documents(series):
            documents.add(name)
            plain = series.where(series.notna(), None) if len(series) else series
            texts = [_document(name, value) for value in plain]
            columns[name] = pa.array(texts, pa.binary())
    if not documents:
        return _of_table("pandas", pa.Table.from_pandas(frame, preserve_index=False))
    rest = frame.drop(columns=list(documents))
    table = pa.Table.from_pandas(rest, preserve_index=False)
    for place, name in enumerate(frame.columns):
        if name in documents:
            table = table.add_column(place, name, columns[name])
    assert isinstance(frame, pd.DataFrame)
    return _of_table("pandas", table, frozenset(documents))


def _document(name: str, value: Any) -> bytes | None:
    try:
        return to_json(value)
    except (TypeError, ValueError) as err:
        message = f"column {name!r} has a value that is no JSON: {err}"
        raise NoData(message) from None


def _are_documents(series: Any) -> bool:
    """Tell whether a column of objects is one that Arrow has no scalar type for."""
    import decimal  # noqa: PLC0415

    pa = _arrow()
    kinds = set(map(type, series.dropna()))
    if len(kinds) == 1 and kinds <= {str, bool, bytes, decimal.Decimal}:
        return False
    if kinds & {dict, list, tuple} or len(kinds) > 1:
        return True
    try:
        pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return True
    return False


def _arrow() -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415 - only who replays pays for it
    except ImportError:
        message = "a replay needs pyarrow; pip install 'pyudf[pyarrow]'"
        raise NoData(message) from None
    return pa


def to_library(table: Any, library: Library, documents: Mapping[str, list[Any]]) -> Any:
    """Return a table as a frame of a library.

    Args:
        table: The table.
        library: The library.
        documents: Columns of Python objects, which stand in the table as JSON texts.
    """
    pa = _arrow()
    if library == "pandas":
        return _to_pandas(table, documents)
    for name, values in documents.items():
        place = table.column_names.index(name)
        try:
            table = table.set_column(place, name, pa.array(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            continue  # of several kinds: they stay texts
    if library == "polars":
        import polars as pl  # noqa: PLC0415 - it is there, as a frame came in

        return pl.from_arrow(table)
    return table


def _to_pandas(table: Any, documents: Mapping[str, list[Any]]) -> Any:
    import pandas as pd  # noqa: PLC0415

    pa = _arrow()
    nullable = {
        name
        for name in table.column_names
        if pa.types.is_integer(table.column(name).type) and table.column(name).null_count
    }
    frame = table.to_pandas()
    for name in nullable:
        if frame[name].dtype.kind != "f":
            continue  # pandas knew its type
        frame[name] = pd.Series(
            table.column(name).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        )
    for name, values in documents.items():
        series = pd.Series(values, dtype=object)
        frame[name] = series
    return frame
