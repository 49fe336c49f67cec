"""Results that go into one column."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import struct
from collections.abc import Callable
from typing import Any, Final, NoReturn

from pyudf import _annotations
from pyudf._worker import wire
from pyudf._worker.execute import jsontext
from pyudf._worker.execute.calls import each
from pyudf._worker.execute.foreign import plain
from pyudf._worker.failure import Failures
from pyudf.functions import Function
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

__all__ = ["ColumnResult"]

# Types whose values go into a column as they are, without a look at each.
_DIRECT: Final[dict[FieldType, set[type]]] = {
    FieldType.BOOL: {bool},
    FieldType.INT64: {int},
    FieldType.FLOAT64: {float, int},
    FieldType.STRING: {str},
}
# Those of which every value fits.
_ALWAYS: Final = {FieldType.BOOL: bool, FieldType.FLOAT64: float}
_INT64: Final = range(-(2**63), 2**63)


class ColumnResult:
    """Packs results into a column and fails the rows whose result has the wrong type."""

    def __init__(self, function: Function, kind: FieldType) -> None:
        """Prepare for results of a function that are to have a type."""
        self._name = function.name
        self._says = _annotations.spelled(function.result)
        self._kind = kind
        self._always = _ALWAYS.get(kind)
        self._direct = _DIRECT.get(kind, set()) | {type(None)}
        self._checks: dict[FieldType, Callable[[Any], Any]] = {
            FieldType.BOOL: self._bool,
            FieldType.INT64: self._int,
            FieldType.FLOAT64: self._float,
            FieldType.STRING: self._str,
            FieldType.DECIMAL: self._decimal,
            FieldType.TIMESTAMP: self._timestamp,
            FieldType.JSON: _json,
        }

    def check(self, value: Any) -> Any:
        """Return one result as it goes into the column.

        Raises:
            TypeError, OverflowError, UnicodeEncodeError: It is not what the column holds.
        """
        return value if type(value) is self._always else self._checks[self._kind](value)

    def put(
        self, checked: list[Any], _failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        """Put results that ``check`` gave into a response. None is null."""
        response.column.CopyFrom(wire.column(self._kind, checked))

    def deliver(
        self, results: list[Any], failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        """Put the results into a response. None is null."""
        response.column.CopyFrom(self.pack(results, failures))

    def pack(self, results: list[Any], failures: Failures) -> worker_pb2.Column:
        """Return the results as a column."""
        kinds = set(map(type, results))
        if all(map(self._fits, kinds)):
            # If one of them does not fit after all, the checks below find out which.
            with contextlib.suppress(struct.error, OverflowError, UnicodeEncodeError):
                return wire.column(self._kind, results, kinds)
        return wire.column(self._kind, each(self._checks[self._kind], results, failures))

    def _fits(self, kind: type) -> bool:
        return kind in self._direct or (self._kind is FieldType.FLOAT64 and issubclass(kind, float))

    def _bool(self, value: Any) -> bool | None:
        found = plain(value)
        if not isinstance(found, bool | None):
            self._wrong(value)
        return found

    def _int(self, value: Any) -> int | None:
        found = plain(value)
        if isinstance(found, bool) or not isinstance(found, int | None):
            self._wrong(value)
        if found is not None and found not in _INT64:
            message = f"{self._name} returned {found}, which does not fit into 64 bits"
            raise OverflowError(message)
        return found

    def _float(self, value: Any) -> float | None:
        found = plain(value)
        if isinstance(found, bool) or not isinstance(found, int | float | None):
            self._wrong(value)
        return None if found is None else float(found)

    def _str(self, value: Any) -> str | None:
        found = plain(value)
        if not isinstance(found, str | None):
            self._wrong(value)
        if found is not None:
            found.encode()
        return found

    def _decimal(self, value: Any) -> str | None:
        found = plain(value)
        if isinstance(found, bool) or not isinstance(found, decimal.Decimal | int | None):
            self._wrong(value)
        # JSON has no word for a Decimal's NaN and infinities.
        finite = found is not None and decimal.Decimal(found).is_finite()
        return str(found) if finite else None

    def _timestamp(self, value: Any) -> str | None:
        found = plain(value)
        if not isinstance(found, datetime.date | None):
            self._wrong(value)
        return None if found is None else found.isoformat()

    def _wrong(self, value: Any) -> NoReturn:
        message = (
            f"{self._name} returned {type(value).__qualname__} ({_short(value)})"
            f" where its annotation says {self._says}"
        )
        raise TypeError(message)


def _json(value: Any) -> str | None:
    found = plain(value)
    return None if found is None else jsontext.encode(found).decode()


def _short(value: Any, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."
