"""What functions and aggregators keep, as bytes.

How a value is written follows from its annotation: what msgspec knows as MessagePack, numpy arrays
as numpy saves them, pandas objects and Arrow tables as Arrow's stream, a class with ``encode`` and
``decode`` as it says itself. Whatever was encoded has been decoded once: a value of the wrong type
is refused where it is set, and a function never sees one that no store could give back.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import typing
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from pyudf import _annotations
from pyudf._annotations import Container, spelled, unwrapped
from pyudf._worker.execute.foreign import plain
from pyudf.errors import LoadError, Origin
from pyudf.functions import Function

__all__ = ["Codec", "aggregator_codec", "state_codec"]

_IMMUTABLE: Final = frozenset(
    {bool, int, float, str, bytes, decimal.Decimal, uuid.UUID}
    | {datetime.datetime, datetime.date, datetime.time, datetime.timedelta}
)
_KEPT: Final = (
    "write what JSON has, dates, sets, a dataclass, a TypedDict, a msgspec.Struct or a pydantic"
    " model of such, np.ndarray, pd.DataFrame, pd.Series or pa.Table, or a class of your own with"
    " encode(self) -> bytes and a static decode(data: bytes)"
)


class Codec(NamedTuple):
    """Turns values of one type into bytes and back.

    Attributes:
        encode: Returns a value's bytes; raises if there are none.
        decode: Returns the value of bytes, each time a new one.
        mutable: Whether a value can change without being set again.
    """

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    mutable: bool


def state_codec(function: Function, name: str, annotation: Any) -> Codec:
    """Return the codec of a function's state.

    Raises:
        LoadError: Nothing can store values of the annotation.
    """
    return _codec(function, f"state {name} of {function.name}", annotation)


def aggregator_codec(function: Function) -> Codec:
    """Return the codec of what an aggregator's ``create`` returns.

    Raises:
        LoadError: Nothing can store values of the annotation.
    """
    found = function.aggregator_state
    return _codec(function, f"the state of {function.name}", Any if found is None else found)


def _codec(function: Function, what: str, annotation: Any) -> Codec:
    try:
        inner, _ = unwrapped(annotation)
        leaf = _leaf(inner)
        codec: _Form = _Packed(annotation) if leaf is None else leaf
    except Exception as err:
        place = Origin(function.file, function.line)
        reason = "" if isinstance(err, _UnknownError) else f" ({err})"
        message = (
            f"{place}: {what} is {spelled(annotation)}, which cannot be stored{reason}; {_KEPT}"
        )
        raise LoadError(message) from None
    return Codec(_named(what, codec.encode), _named(what, codec.decode), not _is_immutable(inner))


def _named(what: str, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a conversion whose errors say which state they are about."""

    def named(value: Any) -> Any:
        try:
            return convert(value)
        except Exception as err:
            message = f"{what}: {err}"
            raise TypeError(message) from err

    return named


def _is_immutable(cls: Any) -> bool:
    return cls in _IMMUTABLE or (isinstance(cls, type) and issubclass(cls, enum.Enum))


class _UnknownError(Exception):
    """Nothing here can store values of a class."""


class _Form(Protocol):
    """One way to write values."""

    def encode(self, value: Any) -> bytes: ...

    def decode(self, data: bytes) -> Any: ...


class _Packed:
    """What msgspec encodes; values in it that have a form of their own travel as bytes."""

    def __init__(self, annotation: Any) -> None:
        self._leaves = dict(_leaves(annotation))
        self.encode = msgspec.msgpack.Encoder(enc_hook=self._from).encode
        self.decode = msgspec.msgpack.Decoder(annotation, dec_hook=self._into).decode

    def _from(self, value: Any) -> Any:
        for cls, leaf in self._leaves.items():
            if isinstance(value, cls):
                return leaf.encode(value)
        known = plain(value)
        if known is value or isinstance(known, list):
            message = (
                f"a value of type {type(value).__qualname__} is kept where no annotation says so"
            )
            raise TypeError(message)
        return known

    def _into(self, cls: Any, data: Any) -> Any:
        return self._leaves[typing.get_origin(cls) or cls].decode(data)


class _Own:
    """A class with encode and decode."""

    def __init__(self, cls: Any) -> None:
        self._class = cls

    def encode(self, value: Any) -> bytes:
        _check(value, self._class)
        data = value.encode()
        if not isinstance(data, bytes):
            message = f"{self._class.__qualname__}.encode gave {type(data).__qualname__}, not bytes"
            raise TypeError(message)
        return data

    def decode(self, data: bytes) -> Any:
        return self._class.decode(data)


class _Model:
    """A pydantic model."""

    def __init__(self, cls: Any) -> None:
        self._class = cls
        self._encode = msgspec.msgpack.Encoder(enc_hook=plain).encode

    def encode(self, value: Any) -> bytes:
        _check(value, self._class)
        return self._encode(value.model_dump())

    def decode(self, data: bytes) -> Any:
        return self._class.model_validate(msgspec.msgpack.decode(data))


def _check(value: Any, cls: type) -> None:
    if not isinstance(value, cls):
        message = f"{type(value).__qualname__} is set where {cls.__qualname__} belongs"
        raise TypeError(message)


def _leaf(annotation: Any) -> _Form | None:
    """Return the form of a class that has one of its own, None for others."""
    cls = typing.get_origin(annotation) or annotation
    if _annotations.is_encoding(cls):
        return _Own(cls)
    if hasattr(cls, "__pydantic_validator__"):
        return _Model(cls)
    container = _annotations.container_of(annotation)
    if container in (Container.NDARRAY, Container.FRAME, Container.SERIES, Container.TABLE):
        # Only who names an array or a frame pays for its library.
        from pyudf._worker import frames  # noqa: PLC0415

        return frames.form(container)
    return None


def _leaves(annotation: Any) -> Iterator[tuple[type, _Form]]:
    """Return the classes within a type that msgspec leaves to others.

    Raises:
        _UnknownError: One of them has no form.
        TypeError: It is a union that msgspec cannot tell apart.
    """
    for found in _walk(msgspec.inspect.type_info(annotation), set()):
        cls = typing.get_origin(found.cls) or found.cls
        leaf = _leaf(cls)
        if leaf is None:
            raise _UnknownError
        yield cls, leaf


def _walk(node: Any, seen: set[int]) -> Iterator[msgspec.inspect.CustomType]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, msgspec.inspect.CustomType):
        yield node
    elif isinstance(node, tuple):
        for one in node:
            yield from _walk(one, seen)
    elif isinstance(node, msgspec.inspect.Type | msgspec.inspect.Field):
        values: Mapping[str, Any] = msgspec.structs.asdict(node)
        for name, value in values.items():
            # Defaults are values of the user's, not types.
            if not name.startswith("default"):
                yield from _walk(value, seen)
