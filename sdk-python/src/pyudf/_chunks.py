"""Arrow tables as files of chunks, and back: the form in which the engine takes and gives data."""

from __future__ import annotations

import io
import itertools
import mmap
import os
import struct
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from pyudf._frames import to_json
from pyudf.table.v1 import table_pb2
from pyudf.worker.v1 import worker_pb2

__all__ = ["Part", "read_parts", "write_records", "write_table"]

_ROWS: Final = 16384
_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def write_table(path: str, table: Any, documents: Container[str], rows: int = _ROWS) -> None:
    """Write an Arrow table, so many rows a chunk. Documents are columns of JSON texts."""
    columns = [_Column(name, table.column(name), name in documents) for name in table.column_names]
    with open(path, "wb") as file:
        for start in range(0, table.num_rows, rows):
            count = min(rows, table.num_rows - start)
            fields = [column.field(start, count) for column in columns]
            _write(file, table_pb2.Chunk(rows=count, fields=fields))


def write_records(path: str, texts: Sequence[bytes], rows: int = _ROWS) -> None:
    """Write JSON texts, so many a chunk."""
    with open(path, "wb") as file:
        for start in range(0, len(texts), rows):
            part = texts[start : start + rows]
            records = worker_pb2.Records(data=b"".join(part), offsets=_offsets(map(len, part)))
            _write(file, table_pb2.Chunk(rows=len(part), records=records))


def _write(file: io.BufferedWriter, chunk: table_pb2.Chunk) -> None:
    data = chunk.SerializeToString()
    file.write(_varint(len(data)))
    file.write(data)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - the bits of a byte of it
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _offsets(lengths: Iterable[int]) -> bytes:
    ends = tuple(itertools.accumulate(lengths, initial=0))
    return struct.pack(f"<{len(ends)}i", *ends)


class _Form(NamedTuple):
    """What a column travels as: its kind, the Arrow type that its buffers are of, its unit."""

    kind: table_pb2.Kind
    type: Any
    per_second: int = 0


class _Column:
    """A column of a table on its way to the engine."""

    def __init__(self, name: str, values: Any, document: bool) -> None:
        import pyarrow as pa  # noqa: PLC0415 - only who replays pays for it

        self._pa = pa
        self._name = name
        if pa.types.is_dictionary(values.type):
            plain = [chunk.dictionary_decode() for chunk in values.chunks]
            values = pa.chunked_array(plain, values.type.value_type)
        while isinstance(values.type, pa.BaseExtensionType):
            storage = values.type.storage_type
            values = pa.chunked_array([c.storage for c in values.chunks], storage)
        self._document = document
        self._form = _Form(table_pb2.KIND_JSON, pa.binary()) if document else _form(pa, values)
        self._values = values

    def field(self, start: int, rows: int) -> table_pb2.Field:
        """Return some rows as a message."""
        form = self._form
        field = table_pb2.Field(name=self._name, kind=form.kind, per_second=form.per_second)
        if form.kind == table_pb2.KIND_NULL:
            return field
        part = self._values.slice(start, rows)
        if form.kind == table_pb2.KIND_JSON and not self._document:
            texts = [to_json(value) for value in part.to_pylist()]
            part = self._pa.chunked_array([texts], self._pa.binary())
        elif part.type != form.type:
            part = _cast(self._pa, part, form)
        array = self._pa.concat_arrays(part.chunks) if part.num_chunks != 1 else part.chunk(0)
        field.values.CopyFrom(_message(self._pa, array))
        return field


def _cast(pa: Any, part: Any, form: _Form) -> Any:
    if form.kind in (table_pb2.KIND_TIMESTAMP, table_pb2.KIND_TIME, table_pb2.KIND_DATE):
        if part.type.bit_width == 32:  # noqa: PLR2004
            part = part.cast(pa.int32())
        return part.cast(pa.int64())
    return part.cast(form.type)


def _form(pa: Any, values: Any) -> _Form:
    """Return what a column travels as; nested values are JSON texts."""
    kind = values.type
    found = [(name, form) for name, form in _FORMS if getattr(pa.types, f"is_{name}")(kind)]
    if not found:
        return _Form(table_pb2.KIND_JSON, pa.binary())
    is_one, form = found[0]
    if is_one == "uint64" and not _beyond(values):
        form = table_pb2.KIND_INT64
    unit = _PER_SECOND[kind.unit] if is_one in ("timestamp", "time") else 1_000
    moment = form in (table_pb2.KIND_TIMESTAMP, table_pb2.KIND_TIME)
    return _Form(form, _buffers_of(pa, form), unit if moment else 0)


# What values of an Arrow type travel as; the first that fits.
_FORMS: Final = (
    ("null", table_pb2.KIND_NULL),
    ("boolean", table_pb2.KIND_BOOL),
    ("uint64", table_pb2.KIND_DECIMAL),
    ("integer", table_pb2.KIND_INT64),
    ("duration", table_pb2.KIND_INT64),
    ("floating", table_pb2.KIND_FLOAT64),
    ("string", table_pb2.KIND_STRING),
    ("large_string", table_pb2.KIND_STRING),
    ("string_view", table_pb2.KIND_STRING),
    ("decimal", table_pb2.KIND_DECIMAL),
    ("timestamp", table_pb2.KIND_TIMESTAMP),
    ("date32", table_pb2.KIND_DATE),
    ("date64", table_pb2.KIND_TIMESTAMP),
    ("time", table_pb2.KIND_TIME),
    ("binary", table_pb2.KIND_BINARY),
    ("large_binary", table_pb2.KIND_BINARY),
    ("fixed_size_binary", table_pb2.KIND_BINARY),
)


def _buffers_of(pa: Any, kind: table_pb2.Kind) -> Any:
    """Return the Arrow type whose buffers a kind has."""
    match kind:
        case table_pb2.KIND_BOOL:
            return pa.bool_()
        case table_pb2.KIND_FLOAT64:
            return pa.float64()
        case table_pb2.KIND_STRING | table_pb2.KIND_DECIMAL:
            return pa.string()
        case table_pb2.KIND_BINARY:
            return pa.binary()
        case _:
            return pa.int64()


def _beyond(values: Any) -> bool:
    """Tell whether a number of an unsigned column is none of int64."""
    import pyarrow.compute as pc  # noqa: PLC0415

    most = pc.max(values).as_py()
    return most is not None and most > 2**63 - 1


def _message(pa: Any, array: Any) -> worker_pb2.Column:
    """Return the buffers of an array, from its first value on."""
    if array.offset % 8:
        array = pa.concat_arrays([array, array.slice(0, 0)])
    rows, offset, buffers = len(array), array.offset, array.buffers()
    message = worker_pb2.Column()
    if array.null_count:
        message.validity = _bits(buffers[0], offset, rows)
    if len(buffers) == 3:  # noqa: PLR2004 - validity, offsets and texts
        ends = memoryview(buffers[1]).cast("i")[offset : offset + rows + 1] if buffers[1] else None
        first, last = (ends[0], ends[-1]) if ends else (0, 0)
        message.offsets = _rebased(pa, buffers[1], offset, rows + 1, first)
        message.values = bytes(memoryview(buffers[2])[first:last]) if buffers[2] else b""
    elif array.type == pa.bool_():
        message.values = _bits(buffers[1], offset, rows)
    else:
        message.values = bytes(memoryview(buffers[1])[8 * offset : 8 * (offset + rows)])
    return message


def _bits(buffer: Any, offset: int, rows: int) -> bytes:
    start = offset // 8
    return bytes(memoryview(buffer)[start : start + (rows + 7) // 8])


def _rebased(pa: Any, buffer: Any, offset: int, count: int, first: int) -> bytes:
    if first == 0:
        return bytes(memoryview(buffer)[4 * offset : 4 * (offset + count)])
    import pyarrow.compute as pc  # noqa: PLC0415

    ends = pa.Array.from_buffers(pa.int32(), count, [None, buffer], offset=offset)
    moved = pc.subtract(ends, pa.scalar(first, pa.int32()))
    return bytes(memoryview(moved.buffers()[1])[: 4 * count])


class Part(NamedTuple):
    """Consecutive records of a result.

    Attributes:
        rows: How many.
        columns: Arrow arrays by their fields, in order; None stands for nulls alone.
        documents: The fields whose texts are JSON values.
        sources: The rows of the input that they come from, int64; None if they are whole.
    """

    rows: int
    columns: dict[str, Any]
    documents: set[str]
    sources: Any


def read_parts(path: str) -> Iterator[Part]:
    """Read a file of results. The arrays point into the file's memory."""
    import pyarrow as pa  # noqa: PLC0415

    if os.path.getsize(path) == 0:
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = 0
        while at < len(data):
            size, at = _length(data, at)
            yield _part(pa, table_pb2.Chunk.FromString(data[at : at + size]))
            at += size


def _length(data: mmap.mmap, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004
            return number, at
        shift += 7


def _part(pa: Any, chunk: table_pb2.Chunk) -> Part:
    types = {
        table_pb2.KIND_BOOL: pa.bool_(),
        table_pb2.KIND_INT64: pa.int64(),
        table_pb2.KIND_FLOAT64: pa.float64(),
    }
    columns: dict[str, Any] = {}
    for field in chunk.fields:
        if field.kind == table_pb2.KIND_NULL:
            columns[field.name] = None
            continue
        sent = field.values
        buffers: list[Any] = [pa.py_buffer(sent.validity) if sent.validity else None]
        kind = types.get(field.kind)
        if kind is None:
            kind = pa.string()
            buffers.append(pa.py_buffer(sent.offsets))
        buffers.append(pa.py_buffer(sent.values))
        columns[field.name] = pa.Array.from_buffers(kind, chunk.rows, buffers)
    documents = {field.name for field in chunk.fields if field.kind == table_pb2.KIND_JSON}
    sources = None
    if chunk.sources:
        buffer = pa.py_buffer(chunk.sources)
        sources = pa.Array.from_buffers(pa.int64(), chunk.rows, [None, buffer])
    return Part(chunk.rows, columns, documents, sources)
