"""A function's parameters from the columns of a request."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from pyudf import _annotations
from pyudf._worker import wire
from pyudf._worker.execute.calls import collect, each
from pyudf._worker.failure import Failures
from pyudf.functions import Param
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

__all__ = ["Arguments", "Reader"]


class Arguments:
    """Reads the columns of a request as the parameters of a function want them."""

    def __init__(self, params: Sequence[Param]) -> None:
        """Prepare a reader for each parameter."""
        self._readers = [Reader(param) for param in params]

    def read(self, sent: worker_pb2.Columns, rows: int, failures: Failures) -> list[Sequence[Any]]:
        """Return a sequence of values for each parameter, None where it is null.

        A value that cannot be read fails its row; what stands there does not matter.
        """
        if len(sent.columns) != len(self._readers):
            message = f"{len(sent.columns)} columns arrived for {len(self._readers)} parameters"
            raise wire.WireError(message)
        return [
            reader.read(column, rows, failures)
            for reader, column in zip(self._readers, sent.columns, strict=True)
        ]


class Reader:
    """Reads one column as Python values."""

    def __init__(self, param: Param) -> None:
        """Prepare for the columns of a parameter."""
        self._kind = param.type
        self._convert = _converter(param)

    def read(self, sent: worker_pb2.Column, rows: int, failures: Failures) -> Sequence[Any]:
        """Return the values, None where one is null or its row failed."""
        if not wire.has_offsets(self._kind):
            return wire.values(sent, self._kind, rows)
        found, undecodable = wire.texts(sent, rows)
        for row in undecodable:
            failures.add(row, found[row])
            found[row] = None
        if self._convert is None:
            return found
        if sent.validity or undecodable:
            return each(self._convert, found, failures)
        return collect(map(self._convert, found), range(rows), failures)


def _converter(param: Param) -> Callable[[str], Any] | None:
    annotation = _annotations.unwrapped(param.annotation)[0]
    match param.type:
        case FieldType.DECIMAL:
            return _decimal
        case FieldType.TIMESTAMP:
            return _date if annotation is datetime.date else datetime.datetime.fromisoformat
        case FieldType.JSON:
            return msgspec.json.Decoder(_json_type(annotation)).decode
        case _:
            return None


def _json_type(annotation: Any) -> Any:
    """Return what to decode a JSON value as: a DataFrame's column has no annotation of its own."""
    return annotation if _annotations.scalar_type(annotation) is FieldType.JSON else Any


def _date(text: str) -> datetime.date:
    return datetime.datetime.fromisoformat(text).date()


def _decimal(text: str) -> decimal.Decimal:
    try:
        return decimal.Decimal(text)
    except decimal.InvalidOperation:
        message = f"{text!r} is no decimal number"
        raise ValueError(message) from None
