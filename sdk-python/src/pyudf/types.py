"""The types that a field can have."""

from __future__ import annotations

import enum


class FieldType(enum.Enum):
    """The type of a field, as the engine knows it.

    ``DECIMAL``, ``TIMESTAMP`` and ``JSON`` travel as text: the number's own digits, ISO 8601 and a
    JSON value. The values are those of the plan's ``Type``.

    Example:
        >>> FieldType.parse("float64")
        <FieldType.FLOAT64: 3>
    """

    BOOL = 1
    INT64 = 2
    FLOAT64 = 3
    STRING = 4
    DECIMAL = 5
    TIMESTAMP = 6
    JSON = 7

    @classmethod
    def parse(cls, name: str) -> FieldType | None:
        """Return the type of that name, ``"float64"`` for example, or None if there is none."""
        return cls.__members__.get(name.upper()) if name == name.lower() else None

    def __str__(self) -> str:
        """Return the name as schemas write it: ``"float64"``."""
        return self.name.lower()
