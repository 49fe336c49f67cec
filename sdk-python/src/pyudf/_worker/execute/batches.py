"""What a function over batches takes: Series, arrays, frames and tables from wire columns."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pyudf._worker import wire
from pyudf._worker.execute.arguments import Reader
from pyudf._worker.failure import Failures
from pyudf.functions import Container, Function, Param
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Batches"]

Part: TypeAlias = Callable[[int, int], Any]
"""Rows start to end of a column, in memory that the function may change."""


class Batches:
    """Makes a function's arguments from a request.

    What a column looks like depends on its declaration alone, never on the values of one batch.
    A column that may hold nulls has NaN in them if it is of floats or, as pandas reads them, of
    integers; NaT if of timestamps, which are in UTC; None otherwise. In Arrow a null is a null,
    and decimals and JSON values stay text.
    """

    def __init__(self, function: Function) -> None:
        """Prepare for a function's container and parameters."""
        self._container = function.container
        self._names = [param.name for param in function.params]
        arrow = function.container in (Container.ARRAY, Container.TABLE)
        column = _ArrowColumn if arrow else _NumpyColumn
        self._columns = [column(param, function.on_null == "call") for param in function.params]

    def read(
        self, request: worker_pb2.RunRequest, failures: Failures
    ) -> Callable[[int, int], Sequence[Any]]:
        """Return what makes the function's arguments for rows start to end.

        A value that cannot be read fails its row.
        """
        sent = request.columns.columns
        if len(sent) != len(self._columns):
            message = f"{len(sent)} columns arrived for {len(self._columns)} parameters"
            raise wire.WireError(message)
        parts = [
            column.read(buffers, request.rows, failures)
            for column, buffers in zip(self._columns, sent, strict=True)
        ]
        return lambda start, end: self._arguments([part(start, end) for part in parts], end - start)

    def _arguments(self, columns: list[Any], rows: int) -> Sequence[Any]:
        match self._container:
            case Container.SERIES:
                named = zip(self._names, columns, strict=True)
                return [_series(values, name) for name, values in named]
            case Container.FRAME:
                return [_frame(self._names, columns, rows)]
            case Container.TABLE:
                import pyarrow as pa  # noqa: PLC0415  # only who names it pays for it

                return [pa.table(columns, names=self._names)]
            case _:
                return columns


class _NumpyColumn:
    """A column as a numpy array."""

    def __init__(self, param: Param, calls_nulls: bool) -> None:
        self._kind = param.type
        self._nullable = param.nullable or calls_nulls
        self._reader = Reader(param)

    def read(self, sent: worker_pb2.Column, rows: int, failures: Failures) -> Part:
        if self._kind in (FieldType.FLOAT64, FieldType.INT64):
            numbers = self._numbers(sent, rows)
            return lambda start, end: numbers[start:end].copy()
        values = self._reader.read(sent, rows, failures)
        if self._kind is FieldType.BOOL and not self._nullable and not sent.validity:
            return lambda start, end: np.array(values[start:end], dtype=np.bool_)
        if self._kind is FieldType.TIMESTAMP:
            instants = np.array([_utc(value) for value in values], dtype="datetime64[us]")
            return lambda start, end: instants[start:end].copy()
        return lambda start, end: np.fromiter(values[start:end], dtype=object, count=end - start)

    def _numbers(self, sent: worker_pb2.Column, rows: int) -> np.ndarray[Any, Any]:
        numbers: np.ndarray[Any, Any] = np.frombuffer(
            _sized(sent.values, rows * 8), "<f8" if self._kind is FieldType.FLOAT64 else "<i8"
        )
        if self._nullable or sent.validity:
            numbers = numbers.astype(np.float64)
        if sent.validity:
            numbers[~np.array(wire.unpack_bits(sent.validity, rows), dtype=np.bool_)] = np.nan
        return numbers


class _ArrowColumn:
    """A column as an Arrow array, without a copy where the wire has Arrow's own type."""

    def __init__(self, param: Param, _calls_nulls: bool) -> None:
        import pyarrow as pa  # noqa: PLC0415  # only who names it pays for it

        self._pa: Any = pa
        self._kind = param.type
        self._reader = Reader(param)
        self._type = {
            FieldType.BOOL: pa.bool_(),
            FieldType.INT64: pa.int64(),
            FieldType.FLOAT64: pa.float64(),
        }.get(param.type, pa.string())

    def read(self, sent: worker_pb2.Column, rows: int, failures: Failures) -> Part:
        if self._kind is FieldType.TIMESTAMP:
            instants = self._reader.read(sent, rows, failures)
            array = self._pa.array(instants, self._pa.timestamp("us", tz="UTC"))
        else:
            array = self._from_buffers(sent, rows)
            if not sent.values.isascii() and wire.has_offsets(self._kind):
                found, undecodable = wire.texts(sent, rows)
                for row in undecodable:
                    failures.add(row, found[row])
        return lambda start, end: array.slice(start, end - start)

    def _from_buffers(self, sent: worker_pb2.Column, rows: int) -> Any:
        buffers: list[Any] = [self._pa.py_buffer(sent.values)]
        if wire.has_offsets(self._kind):
            buffers.insert(0, self._pa.py_buffer(_sized(sent.offsets, rows * 4 + 4)))
        validity = self._pa.py_buffer(sent.validity) if sent.validity else None
        array = self._pa.Array.from_buffers(self._type, rows, [validity, *buffers])
        array.validate()
        return array


def _series(values: np.ndarray[Any, Any], name: str) -> pd.Series[Any]:
    import pandas as pd  # noqa: PLC0415  # only who names it pays for it

    if values.dtype.kind == "M":
        return pd.Series(values, name=name).dt.tz_localize("UTC")
    if values.dtype.kind == "O":
        return pd.Series(values, name=name, dtype=object)
    return pd.Series(values, name=name)


def _frame(names: list[str], columns: list[Any], rows: int) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415  # only who names it pays for it

    found = {name: _series(values, name) for name, values in zip(names, columns, strict=True)}
    return pd.DataFrame(found, index=pd.RangeIndex(rows))


def _utc(value: datetime.date | None) -> datetime.date | None:
    """Return an instant in UTC without its zone; one that has none is taken to be in UTC."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value


def _sized(data: bytes, size: int) -> bytes:
    if len(data) != size:
        message = f"a buffer has {len(data)} bytes where its rows take {size}"
        raise wire.WireError(message)
    return data
