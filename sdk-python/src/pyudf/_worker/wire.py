"""Arrow's buffers to Python values and back, without numpy and pyarrow.

Layouts are those of ``Column`` and ``Records`` in worker.proto.
"""

from __future__ import annotations

import array
import struct
from collections.abc import Container, Iterable, Sequence
from itertools import accumulate, chain, compress, pairwise
from typing import Any, Final

from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

__all__ = [
    "WireError",
    "column",
    "has_offsets",
    "int32s",
    "int64s",
    "moments",
    "pack_bits",
    "records",
    "row_numbers",
    "texts",
    "unpack_bits",
    "values",
]

_BITS_OF: Final = tuple(tuple(byte >> bit & 1 == 1 for bit in range(8)) for byte in range(256))
_FORMATS: Final = {FieldType.INT64: "q", FieldType.FLOAT64: "d"}
_WIDTH: Final = 8


class WireError(Exception):
    """A request breaks the protocol: its buffers do not have the size that its rows need."""


def has_offsets(kind: FieldType) -> bool:
    """Tell whether values of a type travel as text with offsets."""
    return kind.value >= FieldType.STRING.value


def unpack_bits(data: bytes, rows: int) -> list[bool]:
    """Return the first bits of a bitmap, the least significant of each byte first."""
    if len(data) < (rows + 7) // 8:
        message = f"a bitmap of {len(data)} bytes is too short for {rows} rows"
        raise WireError(message)
    flags = list(chain.from_iterable(map(_BITS_OF.__getitem__, data)))
    del flags[rows:]
    return flags


def pack_bits(flags: Iterable[bool]) -> bytes:
    """Return a bitmap of the flags, the least significant bit of each byte first."""
    data = bytes(flags)
    data += bytes(-len(data) % 8)
    # Bit k of every byte comes from every eighth flag: eight shifts of one long number do it all.
    packed = 0
    for bit in range(8):
        packed |= int.from_bytes(data[bit::8], "little") << bit
    return packed.to_bytes(len(data) // 8, "little")


def values(sent: worker_pb2.Column, kind: FieldType, rows: int) -> Sequence[Any]:
    """Return the values of a bool, int64 or float64 column; None where it is null."""
    found: Sequence[Any]
    if kind is FieldType.BOOL:
        found = unpack_bits(sent.values, rows)
    elif len(sent.values) == rows * _WIDTH:
        # An array makes a number when it is asked for it: that is still in the processor's cache
        # when the function is called.
        found = array.array(_FORMATS[kind], sent.values)
    else:
        raise _wrong_size(sent.values, rows, _WIDTH)
    return found if not sent.validity else _with_nulls(found, sent.validity)


def texts(sent: worker_pb2.Column, rows: int) -> tuple[list[Any], list[int]]:
    """Return the values of a text column, None where it is null, and the rows that are no UTF-8.

    In such a row stands the UnicodeDecodeError.
    """
    offsets = _offsets(sent.offsets, rows)
    data = sent.values
    if data.isascii():
        text = str(data, "ascii")
        found: list[Any] = [text[a:b] for a, b in pairwise(offsets)]
    else:
        found = [_decoded(data[a:b]) for a, b in pairwise(offsets)]
    if sent.validity:
        found = _with_nulls(found, sent.validity)
    if data.isascii():
        return found, []
    bad = compress(range(rows), (isinstance(value, UnicodeDecodeError) for value in found))
    return found, list(bad)


def records(sent: worker_pb2.Records, rows: int) -> list[bytes]:
    """Return the texts of a request over records."""
    offsets = _offsets(sent.offsets, rows)
    data = sent.data
    return [data[a:b] for a, b in pairwise(offsets)]


def column(
    kind: FieldType, results: Sequence[Any], kinds: Container[type] | None = None
) -> worker_pb2.Column:
    """Return a column of values that already have the Python type of ``kind``; text as str.

    Args:
        kind: The column's type.
        results: The values; None is null.
        kinds: The types of the values, if they are known.

    Raises:
        OverflowError, struct.error: A number does not fit into 64 bits.
        UnicodeEncodeError: A text holds a lone surrogate.
    """
    sent = worker_pb2.Column()
    if type(None) in (set(map(type, results)) if kinds is None else kinds):
        sent.validity = pack_bits(value is not None for value in results)
        hole: Any = "" if has_offsets(kind) else 0
        results = [hole if value is None else value for value in results]
    if kind is FieldType.BOOL:
        sent.values = pack_bits(results)
    elif has_offsets(kind):
        sent.values, sent.offsets = _text_buffers(results)
    else:
        sent.values = struct.pack(f"<{len(results)}{_FORMATS[kind]}", *results)
    return sent


def int32s(data: bytes) -> tuple[int, ...]:
    """Return all numbers of a buffer of int32."""
    return _numbers("i", data, len(data) // 4)


def int64s(data: bytes, count: int) -> tuple[int, ...]:
    """Return so many numbers of int64."""
    return _numbers("q", data, count)


def moments(found: Sequence[int]) -> bytes:
    """Return moments as int64."""
    return struct.pack(f"<{len(found)}q", *found)


def row_numbers(rows: Sequence[int]) -> bytes:
    """Return row numbers or offsets as int32."""
    return struct.pack(f"<{len(rows)}i", *rows)


def _text_buffers(found: Sequence[str]) -> tuple[bytes, bytes]:
    joined = "".join(found)
    data = joined.encode()
    lengths: Iterable[int] = map(len, found)
    if len(data) != len(joined):
        lengths = (len(value.encode()) for value in found)
    return data, row_numbers(tuple(accumulate(lengths, initial=0)))


def _decoded(data: bytes) -> str | UnicodeDecodeError:
    try:
        return data.decode()
    except UnicodeDecodeError as err:
        return err


def _numbers(code: str, data: bytes, count: int) -> tuple[Any, ...]:
    try:
        return struct.unpack(f"<{count}{code}", data)
    except struct.error:
        raise _wrong_size(data, count, struct.calcsize(code)) from None


def _wrong_size(data: bytes, count: int, width: int) -> WireError:
    return WireError(f"a buffer has {len(data)} bytes where {count} values take {count * width}")


def _offsets(data: bytes, rows: int) -> tuple[int, ...]:
    # Arrow lets a column without rows come without offsets.
    return _numbers("i", data, rows + 1) if data or rows else (0,)


def _with_nulls(found: Sequence[Any], validity: bytes) -> list[Any]:
    valid = unpack_bits(validity, len(found))
    return [value if ok else None for value, ok in zip(found, valid, strict=True)]
