"""Results that are records."""

from __future__ import annotations

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

    def encode(self, result: Any) -> bytes | list[bytes] | None:
        """Return the JSON texts of what one call returned; None is no record.

        It runs as part of the call, while its values are in the processor's cache and before the
        next row makes new ones.

        Raises:
            BaseException: The result is no record, has no JSON form, or is a generator in which
                the user's code raised.
        """
        if type(result) is dict:
            return jsontext.encode_unchecked(result)
        if result is None:
            return None
        if _is_record(result):
            return jsontext.encode(result)
        if not isinstance(result, Iterable) or isinstance(result, str | bytes | bytearray):
            raise self._wrong(result, "a record, None or an iterable of records")
        return [self._encode_one(record) for record in result if record is not None]

    def deliver(
        self, encoded: list[Any], failures: Failures, response: worker_pb2.RunResponse
    ) -> None:
        """Put what ``encode`` gave for each row into a response."""
        texts: list[bytes] = encoded
        sources: Sequence[int] = range(len(encoded))
        if any(kind is not bytes for kind in set(map(type, encoded))):
            texts, sources = _flat(encoded)
        if not jsontext.is_finite(b"".join(texts)):
            texts, sources = _repaired(texts, sources, failures)
        put_records(response, texts, sources)

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


def _flat(encoded: list[Any]) -> tuple[list[bytes], list[int]]:
    texts: list[bytes] = []
    sources: list[int] = []
    for row, one in enumerate(encoded):
        found = [one] if isinstance(one, bytes) else one or ()
        texts += found
        sources += [row] * len(found)
    return texts, sources


def _repaired(
    texts: Sequence[bytes], sources: Sequence[int], failures: Failures
) -> tuple[list[bytes], list[int]]:
    mended: list[tuple[bytes, int]] = []
    for text, row in zip(texts, sources, strict=True):
        try:
            mended.append((jsontext.repaired(text), row))
        except ValueError as err:
            failures.add(row, err)
    kept = [(text, row) for text, row in mended if row not in failures]
    return [text for text, _ in kept], [row for _, row in kept]


def _is_record(value: Any) -> bool:
    kind = type(value)
    return (
        issubclass(kind, dict | msgspec.Struct)
        or dataclasses.is_dataclass(kind)
        or hasattr(kind, "model_dump_json")
    )
