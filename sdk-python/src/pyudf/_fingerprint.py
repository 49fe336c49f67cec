"""What the values of a state are, in words that change when they are stored in another way."""

from __future__ import annotations

import enum
import typing
from typing import Any

from pyudf import _annotations
from pyudf.errors import Origin
from pyudf.schema import record_fields


def fingerprint(annotation: Any, origin: Origin, within: tuple[Any, ...] = ()) -> str:
    """Return the words for a type.

    Args:
        annotation: The type as it was written, resolved.
        origin: Where it was written, for messages.
        within: The classes whose fields are being described: those are only named.

    Raises:
        DefinitionError: An annotation of a class names something that does not exist.

    Example:
        >>> here = Origin("features.py", 3)
        >>> fingerprint(dict[str, float] | None, here)
        'None|dict[str,float]'
    """
    annotation, nullable = _annotations.unwrapped(annotation)
    arguments = typing.get_args(annotation)
    if _annotations.is_union(annotation):
        return "|".join(sorted(fingerprint(a, origin, within) for a in arguments))
    if nullable:
        return "|".join(sorted(("None", fingerprint(annotation, origin, within))))
    if typing.get_origin(annotation) is typing.Literal:
        return f"Literal[{','.join(map(repr, arguments))}]"
    if arguments and not isinstance(annotation, type):
        inner = ",".join(fingerprint(a, origin, within) for a in arguments)
        return f"{_name(typing.get_origin(annotation))}[{inner}]"
    if not isinstance(annotation, type):
        return str(annotation)
    return _class(annotation, origin, within)


def _class(cls: type, origin: Origin, within: tuple[Any, ...]) -> str:
    if _annotations.is_encoding(cls):
        return f"custom:{_name(cls)}"
    if issubclass(cls, enum.Enum) or cls in within or not _annotations.is_record_class(cls):
        return _name(cls)
    fields = ",".join(
        f"{field.name}:{fingerprint(field.annotation, origin, (*within, cls))}"
        for field in record_fields(cls, origin)
    )
    return f"{_name(cls)}({fields})"


def _name(cls: Any) -> str:
    if cls in (Any, type(None)):
        return "any" if cls is Any else "None"
    name = getattr(cls, "__qualname__", str(cls))
    module = getattr(cls, "__module__", "builtins")
    return name if module == "builtins" else f"{module}.{name}"
