"""JSON texts of what functions return."""

from __future__ import annotations

import decimal
import json
from typing import Any

import msgspec

from pyudf._worker.execute.foreign import plain

__all__ = ["encode", "encode_unchecked", "is_finite", "repaired"]


def _hook(value: Any) -> Any:
    """Return a value that msgspec does not know as one that it does."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    known = plain(value)
    if known is value:
        message = f"{type(value).__qualname__} has no JSON form"
        raise TypeError(message)
    return known


encode_unchecked = msgspec.json.Encoder(enc_hook=_hook, decimal_format="number").encode
"""Return a value's JSON text, in which a Decimal may have left a NaN or Infinity: see repaired."""


def encode(value: Any) -> bytes:
    """Return a value's JSON text. Decimals are numbers; NaN and infinities are null."""
    dump = getattr(value, "model_dump_json", None)
    if dump is not None:
        text: str = dump()
        return text.encode()
    return repaired(encode_unchecked(value))


def is_finite(data: bytes) -> bool:
    """Tell whether no Decimal can have left its NaN or Infinity in texts, which JSON has not."""
    return b"NaN" not in data and b"Infinity" not in data


def repaired(text: bytes) -> bytes:
    """Return a text with null for NaN and infinities; all other numbers keep their digits.

    Raises:
        ValueError: It holds a signalling NaN.
    """
    if is_finite(text):
        return text
    value = json.loads(text, parse_float=decimal.Decimal, parse_constant=lambda _name: None)
    return encode_unchecked(value)
