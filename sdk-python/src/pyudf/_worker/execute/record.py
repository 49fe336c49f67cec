"""Functions over whole records: one call a row, the record decoded from its own bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pyudf._worker import wire
from pyudf._worker.execute.calls import collect
from pyudf._worker.failure import Failures
from pyudf.functions import Function
from pyudf.worker.v1 import worker_pb2

__all__ = ["RecordCalls", "decoder"]


class RecordCalls:
    """Calls a function over records for every row of a request."""

    def __init__(self, function: Function, finish: Callable[[Any], Any] | None = None) -> None:
        """Prepare the decoder of the function's record type; see ScalarCalls for finish."""
        self._call = function.call
        self._decode = decoder(function.record_type)
        self._finish = finish

    def __call__(self, request: worker_pb2.RunRequest, failures: Failures) -> list[Any]:
        """Return a result a row; None for a row that failed, be it in decoding."""
        texts = wire.records(request.records, request.rows)
        calls = map(self._call, map(self._decode, texts))
        if self._finish is not None:
            calls = map(self._finish, calls)
        return collect(calls, range(request.rows), failures)


def decoder(record_type: Any) -> Callable[[bytes], Any]:
    """Return what makes a record of its JSON text."""
    # model_validate_json would add frames of pydantic to the traceback of a record that is wrong.
    validator = getattr(record_type, "__pydantic_validator__", None)
    if validator is not None and hasattr(record_type, "model_validate_json"):
        decode: Callable[[bytes], Any] = validator.validate_json
        return decode
    return msgspec.json.Decoder(record_type).decode
