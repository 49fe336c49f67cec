"""Results of a replay as Arrow tables: what the engine made, with what it left as it was."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from pyudf._chunks import Part
from pyudf._frames import Data, to_json
from pyudf._lineage import Layout
from pyudf.types import FieldType

__all__ = ["Made", "assemble", "raw_fields"]

_ARROW: Final = {
    FieldType.BOOL: pa.bool_(),
    FieldType.INT64: pa.int64(),
    FieldType.FLOAT64: pa.float64(),
    FieldType.STRING: pa.string(),
    FieldType.TIMESTAMP: pa.timestamp("us", "UTC"),
}


@dataclass(slots=True)
class Made:
    """A table of results.

    Attributes:
        columns: The columns, as Arrow has them.
        documents: The columns of JSON values, as Python objects; ``columns`` has their texts.
        metadata: What pandas needs to give columns the types that they had.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, list[Any]] = field(default_factory=dict)
    metadata: dict[bytes, bytes] | None = None

    @property
    def table(self) -> Any:
        """The columns as a table."""
        return pa.table(self.columns).replace_schema_metadata(self.metadata)


def raw_fields(data: Data | None, types: Mapping[str, FieldType]) -> set[str]:
    """Return the fields that the engine is to give digit by digit."""
    raw = {name for name, kind in types.items() if kind is FieldType.DECIMAL}
    if data is not None and data.table is not None:
        for column in data.table.schema:
            if pa.types.is_decimal(column.type) or pa.types.is_uint64(column.type):
                raw.add(column.name)
    return raw


def assemble(
    parts: Iterable[Part], layout: Layout, data: Data | None, types: Mapping[str, FieldType]
) -> Made:
    """Return the records of a result.

    Args:
        parts: What the engine wrote.
        layout: How the records look.
        data: What their source read; None if it is not at hand.
        types: The types of fields that functions return.
    """
    found = list(parts)
    columns = _Columns(found)
    lean = data is not None and data.table is not None and all(p.sources for p in found if p.rows)
    if lean and layout.open and data is not None:
        return _joined(columns, layout, data, types)
    made = Made()
    own = {name for name, is_own in layout.fields if is_own}
    for name in columns.names:
        like = _own_type(data, name) if name in own else None
        _add(made, name, columns.column(name), like, types.get(name))
    if data is not None and not columns.names:
        return _joined(columns, layout, data, types)
    return made


def _own_type(data: Data | None, name: str) -> Any:
    if data is None or data.table is None or name in data.documents:
        return None
    place = data.table.schema.get_field_index(name)
    return None if place < 0 else data.table.schema.field(place).type


def _joined(columns: _Columns, layout: Layout, data: Data, types: Mapping[str, FieldType]) -> Made:
    """Return what the engine made beside the rows of the input that it comes from."""
    made = Made()
    kept = data.table
    if kept is not None and columns.rows != kept.num_rows:
        kept = kept.take(columns.sources())
    fields = layout.fields if layout.open else ()
    for name, own in fields:
        if not own:
            like = types.get(name)
            _add(made, name, columns.column(name), None, like)
        elif kept is not None:
            values = kept.column(name)
            if name in data.documents:
                _add_documents(made, name, [_decoded(v) for v in values.to_pylist()])
            else:
                made.columns[name] = _finite(values)
    if kept is not None:
        made.metadata = _pandas_metadata(kept, made.columns)
    return made


def _pandas_metadata(kept: Any, made: Iterable[str]) -> dict[bytes, bytes] | None:
    """Return what pandas needs to give columns their own types back: only those that are there."""
    metadata = (kept.schema.metadata or {}).get(b"pandas")
    if metadata is None:
        return None
    told = msgspec.json.decode(metadata)
    there = set(made)
    told["columns"] = [column for column in told["columns"] if column["field_name"] in there]
    told["index_columns"] = []
    return {b"pandas": msgspec.json.encode(told)}


def _finite(values: Any) -> Any:
    """Return a column as it is in JSON, which has no infinities and no NaN."""
    if not pa.types.is_floating(values.type):
        return values
    finite = pc.is_finite(values)
    if pc.all(finite).as_py() is not False:
        return values
    return pc.if_else(finite, values, pa.scalar(None, values.type))


class _Columns:
    """The columns of all parts of a result."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = [part for part in parts if part.rows]
        self.rows = sum(part.rows for part in self._parts)
        self.names = list(dict.fromkeys(name for part in self._parts for name in part.columns))

    def sources(self) -> Any:
        return pa.chunked_array([part.sources for part in self._parts], pa.int64())

    def column(self, name: str) -> _Column:
        arrays = [part.columns.get(name) for part in self._parts]
        documents = [name in part.documents for part in self._parts]
        return _Column(arrays, documents, [part.rows for part in self._parts])


@dataclass(slots=True)
class _Column:
    arrays: list[Any]
    documents: list[bool]
    rows: list[int]

    def plain(self) -> Any:
        """Return it as an Arrow column, None if its values are of several types or nested."""
        kinds = {array.type for array in self.arrays if array is not None}
        if any(self.documents) or (len(kinds) > 1 and kinds != {pa.int64(), pa.float64()}):
            return None
        kind = pa.float64() if len(kinds) > 1 else next(iter(kinds), pa.null())
        return pa.chunked_array(
            [
                pa.nulls(rows, kind) if array is None else _as(array, kind)
                for array, rows in zip(self.arrays, self.rows, strict=True)
            ],
            kind,
        )

    def texts(self) -> list[bytes | None]:
        """Return the values as JSON."""
        texts: list[bytes | None] = []
        for array, document, rows in zip(self.arrays, self.documents, self.rows, strict=True):
            if array is None:
                texts.extend([None] * rows)
            elif document:
                texts.extend(None if v is None else v.encode() for v in array.to_pylist())
            else:
                texts.extend(map(to_json, array.to_pylist()))
        return texts


def _as(array: Any, kind: Any) -> Any:
    # The digits of an integer between fractions are read as those of one.
    return array if array.type == kind else array.cast(kind, safe=False)


def _add(made: Made, name: str, column: _Column, like: Any, kind: FieldType | None) -> None:
    values = column.plain()
    if values is None and (like is not None or kind is FieldType.DECIMAL):
        values = _numbers(column.texts(), like)
    if values is None:
        _add_documents(made, name, [_decoded(text) for text in column.texts()])
        return
    wanted = like if like is not None else _ARROW.get(kind) if kind is not None else None
    made.columns[name] = _like(values, wanted)


def _numbers(texts: list[bytes | None], like: Any) -> Any:
    """Return digits as numbers that keep them all; None if some are no numbers."""
    try:
        numbers = [None if text is None else Decimal(text.decode()) for text in texts]
        return pa.chunked_array([pa.array(numbers, like)])
    except (ArithmeticError, ValueError, TypeError):
        return None


def _like(values: Any, wanted: Any) -> Any:
    """Return values with the type that they had before they were JSON, if they still fit."""
    if wanted is None or values.type == wanted:
        return values
    try:
        return _cast(values, wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError):
        return values


def _cast(values: Any, wanted: Any) -> Any:
    text = pa.types.is_string(values.type)
    if pa.types.is_dictionary(wanted):
        return _cast(values, wanted.value_type).cast(wanted)
    if text and pa.types.is_timestamp(wanted):
        return values.cast(pa.timestamp(wanted.unit, "UTC")).cast(wanted)
    if text and pa.types.is_date64(wanted):
        return values.cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("ms")).cast(wanted)
    if text and (pa.types.is_binary(wanted) or pa.types.is_large_binary(wanted)):
        decoded = [None if v is None else base64.b64decode(v) for v in values.to_pylist()]
        return pa.chunked_array([pa.array(decoded, wanted)])
    return values.cast(wanted)


def _add_documents(made: Made, name: str, values: list[Any]) -> None:
    texts = [None if (text := to_json(value)) is None else text.decode() for value in values]
    made.columns[name] = pa.array(texts, pa.string())
    made.documents[name] = values


def _decoded(text: bytes | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
