"""Results that are records."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import msgspec

from pyudf._worker import wire
from pyudf._worker.execute import jsontext
from pyudf._worker.failure import Failures
from pyudf.functions import Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["RecordResults", "put_records"]


class RecordResults:
    """Encodes the records that a function returned: one, none or several a row."""

    def __init__(self, function: Function) -> None:
        """Prepare for results of a function."""
        self._name = function.name

    def deliver(
        self, results: list[Any], failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        """Put the records into a response. None is no record."""
        if set(map(type, results)) <= {dict, type(None)}:
            rows = [row for row, result in enumerate(results) if result is not None]
            # If one of them has no JSON form, the loop below finds out which.
            with contextlib.suppress(Exception):
                put_records(response, jsontext.encode_all([results[row] for row in rows]), rows)
                return
        self._one_by_one(results, failures, response)

    def _one_by_one(
        self, results: list[Any], failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        texts: list[bytes] = []
        sources: list[int] = []
        for row, result in enumerate(results):
            if result is None:
                continue
            try:
                encoded = self._encode(result)
            # A generator runs the user's code here, which may raise anything.
            except BaseException as err:
                failures.add(row, err)
            else:
                texts += encoded
                sources += [row] * len(encoded)
        put_records(response, texts, sources)

    def _encode(self, result: Any) -> list[bytes]:
        if _is_record(result):
            return [jsontext.encode(result)]
        if not isinstance(result, Iterable) or isinstance(result, str | bytes | bytearray):
            raise self._wrong(result, "a record, None or an iterable of records")
        return [self._encode_one(record) for record in result if record is not None]

    def _encode_one(self, record: Any) -> bytes:
        if not _is_record(record):
            raise self._wrong(record, "records only")
        return jsontext.encode(record)

    def _wrong(self, value: Any, wanted: str) -> TypeError:
        gave = type(value).__qualname__
        return TypeError(
            f"{self._name} returned {gave}; return {wanted}"
            " (dict, dataclass, msgspec.Struct or pydantic model)"
        )


def put_records(
    response: worker_pb2.RunResponse, texts: Sequence[bytes], sources: Sequence[int]
) -> None:
    """Put JSON texts into a response, each with the row that it comes from."""
    records = response.records
    records.records.data = b"".join(texts)
    records.records.offsets = wire.row_numbers(tuple(accumulate(map(len, texts), initial=0)))
    records.sources = wire.row_numbers(sources)


def _is_record(value: Any) -> bool:
    kind = type(value)
    return (
        issubclass(kind, dict | msgspec.Struct)
        or dataclasses.is_dataclass(kind)
        or hasattr(kind, "model_dump_json")
    )
