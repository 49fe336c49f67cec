"""What a function over batches gives: a column or records."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from pyudf._worker.execute import jsontext
from pyudf._worker.execute.column import ColumnResult
from pyudf._worker.execute.records import put_records
from pyudf._worker.failure import Failures
from pyudf.functions import Function
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

__all__ = ["ColumnOutcome", "RecordsOutcome", "ResultError"]

# The kinds of numpy dtypes that go into a column as a whole; objects are looked at one by one.
_KINDS: Final = {
    FieldType.BOOL: "b",
    FieldType.INT64: "iu",
    FieldType.FLOAT64: "fiu",
    FieldType.STRING: "UT",
    FieldType.TIMESTAMP: "M",
    FieldType.DECIMAL: "iu",
    FieldType.JSON: "biufUTM",
}
_DTYPES: Final = {FieldType.BOOL: "?", FieldType.INT64: "<i8", FieldType.FLOAT64: "<f8"}


class ResultError(Exception):
    """The result of a whole call is not what the function has to return: no row of it counts."""


class ColumnOutcome:
    """Puts together the column of a batch from what the calls for its parts returned."""

    def __init__(self, function: Function) -> None:
        """Start without any part. REQUIRES: the function has a result type."""
        assert function.result_type is not None
        self._name = function.name
        self._kind = function.result_type
        self._result = ColumnResult(function, self._kind)
        self._parts: list[tuple[int, int, Any]] = []

    def add(self, result: Any, start: int, end: int, _failures: Failures) -> None:
        """Keep what the call for rows start to end returned.

        Raises:
            ResultError: It is not one value a row.
        """
        values = self._values(result, end - start)
        if len(values) != end - start:
            message = (
                f"{self._name} returned {len(values)} values for {end - start} rows;"
                " return one value for each row"
            )
            raise ResultError(message)
        self._parts.append((start, end, values))

    def deliver(self, rows: int, failures: Failures, response: worker_pb2.RunResponse) -> None:
        """Put the column into a response."""
        whole = self._parts[0][2] if len(self._parts) == 1 and not failures else None
        if isinstance(whole, np.ndarray) and self._kind is FieldType.BOOL:
            response.column.values = np.packbits(whole, bitorder="little").tobytes()
        elif isinstance(whole, np.ndarray):
            response.column.values = whole.tobytes()
        else:
            results: list[Any] = [None] * rows
            for start, end, values in self._parts:
                results[start:end] = values if isinstance(values, list) else values.tolist()
            response.column.CopyFrom(self._result.pack(results, failures))

    def _values(self, result: Any, rows: int) -> list[Any] | np.ndarray[Any, Any]:
        if isinstance(result, np.ndarray) and result.ndim == 1:
            return self._from_numpy(result)
        if _is(result, "pandas", "Series"):
            result = _aligned(result, rows)
        if _is(result, "pandas", "Series") or _is(result, "pandas", "Index"):
            return self._from_pandas(result)
        if _is(result, "pyarrow", "Array") or _is(result, "pyarrow", "ChunkedArray"):
            return self._from_arrow(result)
        message = (
            f"{self._name} returned {_described(result)}; return a Series, a one-dimensional"
            " array or an Arrow array with one value for each row"
        )
        raise ResultError(message)

    def _from_numpy(self, array: np.ndarray[Any, Any]) -> list[Any] | np.ndarray[Any, Any]:
        if array.dtype.kind == "O":
            return list(array)
        if array.dtype.kind not in _KINDS[self._kind]:
            message = f"{self._name} returned {array.dtype} values where the column is {self._kind}"
            raise ResultError(message)
        if self._kind not in _DTYPES or array.dtype.kind == "u":
            # Instants as integers would not be known as such: keep numpy's own.
            return list(array) if array.dtype.kind == "M" else array.tolist()
        return np.ascontiguousarray(array, dtype=_DTYPES[self._kind])

    def _from_pandas(self, values: Any) -> list[Any] | np.ndarray[Any, Any]:
        if isinstance(values.dtype, np.dtype) and values.dtype.kind != "O":
            return self._from_numpy(values.to_numpy())
        found = values.astype(object)
        if self._kind in (FieldType.FLOAT64, FieldType.JSON):
            return list(found)
        return list(found.where(values.notna(), None))

    def _from_arrow(self, values: Any) -> list[Any] | np.ndarray[Any, Any]:
        if values.null_count == 0 and self._kind in _DTYPES:
            return self._from_numpy(np.asarray(values))
        found: list[Any] = values.to_pylist()
        return found


class RecordsOutcome:
    """Puts together the records of a batch from what the calls for its parts returned."""

    def __init__(self, function: Function) -> None:
        """Start without any part."""
        self._name = function.name
        self._texts: list[bytes] = []
        self._sources: list[int] = []

    def add(self, result: Any, start: int, end: int, failures: Failures) -> None:
        """Keep what the call for rows start to end returned.

        Raises:
            ResultError: It is no frame or table, or does not say which rows its own come from.
        """
        rows = end - start
        if _is(result, "pandas", "DataFrame"):
            sources = self._sources_of(result.index, rows)
            found = _frame_rows(result)
            if not np.all(sources[:-1] <= sources[1:]):
                order = np.argsort(sources, kind="stable")
                found, sources = [found[i] for i in order], sources[order]
        elif _is(result, "pyarrow", "Table"):
            sources, found = np.arange(result.num_rows), result.to_pylist()
            if len(found) != rows:
                raise self._unsourced(len(found), rows, "a Table has no index: return a DataFrame")
        else:
            message = f"{self._name} returned {_described(result)}; return a DataFrame or a Table"
            raise ResultError(message)
        self._encode(found, (sources + start).tolist(), failures)

    def deliver(self, _rows: int, _failures: Failures, response: worker_pb2.RunResponse) -> None:
        """Put the records into a response."""
        put_records(response, self._texts, self._sources)

    def _encode(
        self, found: list[dict[str, Any]], sources: Sequence[int], failures: Failures
    ) -> None:
        failed = set()
        texts: list[tuple[bytes, int]] = []
        for record, source in zip(found, sources, strict=True):
            try:
                texts.append((jsontext.encode(record), source))
            except Exception as err:
                failures.add(source, err)
                failed.add(source)
        kept = [pair for pair in texts if pair[1] not in failed] if failed else texts
        self._texts += [text for text, _ in kept]
        self._sources += [source for _, source in kept]

    def _sources_of(self, index: Any, rows: int) -> np.ndarray[Any, Any]:
        """Return which row of the call each row of a frame comes from: its label, if it is one."""
        labels = index.to_numpy()
        if labels.dtype.kind in "iu" and np.all((labels >= 0) & (labels < rows)):
            return np.asarray(labels, dtype=np.int64)
        if len(labels) == rows:
            return np.arange(rows)
        raise self._unsourced(len(labels), rows, "keep the index of the rows they come from")

    def _unsourced(self, gave: int, rows: int, advice: str) -> ResultError:
        message = f"{self._name} returned {gave} rows for {rows}; {advice}, or return one row each"
        return ResultError(message)


def _aligned(series: Any, rows: int) -> Any:
    """Return a Series in the order of the rows if its labels are the rows in another order."""
    labels = series.index.to_numpy()
    if labels.dtype.kind not in "iu" or len(labels) != rows or np.all(labels[:-1] < labels[1:]):
        return series
    is_order = np.array_equal(np.sort(labels), np.arange(rows))
    return series.sort_index() if is_order else series


def _frame_rows(frame: Any) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    columns = [_plain_column(frame.iloc[:, place]) for place in range(len(names))]
    if not columns:
        return [{} for _ in range(len(frame))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain_column(series: Any) -> list[Any]:
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
        values: list[Any] = series.tolist()
        return values
    found = series.astype(object)
    return list(found.where(series.notna(), None))


def _is(value: Any, module: str, name: str) -> bool:
    """Tell whether a value is of a library's class, without importing the library."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.ndim} dimensions"
    return type(value).__qualname__
