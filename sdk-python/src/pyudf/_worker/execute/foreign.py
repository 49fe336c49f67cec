"""Values of numpy and pandas as Python's own, without importing either."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, Final

__all__ = ["plain"]

_NULLS: Final = frozenset({"NAType", "NaTType"})
# Types of Python whose values are their own.
_PLAIN: Final = frozenset({bool, float, int, str, type(None)})
# str(value) would be the name of an enum's member, not its text.
_OWN: Final[dict[type, Callable[[Any], Any]]] = {str: str.__str__, float: float, int: int}


def plain(value: Any) -> Any:
    """Return a value of numpy, pandas or a subclass of a Python type as that type's own.

    NA and NaT are None. A value of any other type comes back as it is.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind.__name__ in _NULLS:
        return None
    if kind.__module__ == "numpy":
        return _from_numpy(value)
    if isinstance(value, datetime.datetime) and hasattr(value, "to_pydatetime"):
        return value.to_pydatetime(warn=False)
    base = next((base for base in _OWN if isinstance(value, base)), None)
    return value if base is None else _OWN[base](value)


def _from_numpy(value: Any) -> Any:
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return value
    if value.ndim > 0:
        return value.tolist()
    if dtype.kind == "M":
        text = str(value)
        return None if text == "NaT" else datetime.datetime.fromisoformat(text[:26])
    return value.item()
