"""JSON texts of what functions return."""

from __future__ import annotations

import decimal
from typing import Any

import msgspec

from pyudf._worker.execute.foreign import plain

__all__ = ["encode", "encode_all"]


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


_encode = msgspec.json.Encoder(enc_hook=_hook, decimal_format="number").encode


def encode(value: Any) -> bytes:
    """Return a value's JSON text. Decimals are numbers; NaN and infinities are null."""
    dump = getattr(value, "model_dump_json", None)
    if dump is not None:
        text: str = dump()
        return text.encode()
    encoded = _encode(value)
    return encoded if _is_finite(encoded) else _encode_finite(value, encoded)


def encode_all(found: list[dict[Any, Any]]) -> list[bytes]:
    """Return the JSON texts of plain dicts.

    Raises:
        Exception: One of them cannot be encoded; encode them one by one to know which.
    """
    encoded = list(map(_encode, found))
    return encoded if _is_finite(b"".join(encoded)) else list(map(encode, found))


def _is_finite(encoded: bytes) -> bool:
    """Tell whether no Decimal can have left its NaN or Infinity in a text, which JSON has not."""
    return b"NaN" not in encoded and b"Infinity" not in encoded


def _encode_finite(value: Any, encoded: bytes) -> bytes:
    try:
        msgspec.json.decode(encoded)
    except msgspec.DecodeError:
        builtins = msgspec.to_builtins(
            value, builtin_types=(decimal.Decimal,), str_keys=True, enc_hook=_hook
        )
        return _encode(_finite(builtins))
    return encoded


def _finite(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return value if value.is_finite() else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
