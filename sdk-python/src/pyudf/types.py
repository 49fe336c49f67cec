"""The types that a field can have."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Field", "FieldType"]


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
        """Return the type of that name, or None if there is none.

        Example:
            >>> FieldType.parse("int64"), FieldType.parse("number")
            (<FieldType.INT64: 2>, None)
        """
        return cls.__members__.get(name.upper()) if name == name.lower() else None

    def __str__(self) -> str:
        """Return the name as schemas write it: ``"float64"``."""
        return self.name.lower()

    @property
    def number(self) -> bool:
        """Whether expressions can calculate with fields of this type.

        Example:
            >>> FieldType.FLOAT64.number, FieldType.DECIMAL.number
            (True, False)
        """
        return self in (FieldType.INT64, FieldType.FLOAT64)

    def converts(self, to: FieldType) -> bool:
        """Tell whether every value of this type is one of another type without loss of meaning.

        Example:
            >>> FieldType.INT64.converts(FieldType.FLOAT64)
            True
            >>> FieldType.STRING.converts(FieldType.FLOAT64)
            False
        """
        return to in (self, FieldType.JSON) or (self, to) == (FieldType.INT64, FieldType.FLOAT64)

    def readable(self, to: FieldType) -> bool:
        """Tell whether a field that is declared as this type can be read from its text as another.

        Example:
            >>> FieldType.STRING.readable(FieldType.TIMESTAMP)
            True
        """
        numbers = {FieldType.INT64, FieldType.FLOAT64, FieldType.DECIMAL}
        texts = {FieldType.STRING, FieldType.TIMESTAMP}
        digits = {self, to} <= numbers and to is not FieldType.INT64
        return self.converts(to) or digits or {self, to} <= texts


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a schema declares.

    Attributes:
        name: The field's name in the records.
        type: Its type.
        nullable: Whether it may be null or missing.

    Example:
        >>> Field("rh", FieldType.FLOAT64, nullable=True).type
        <FieldType.FLOAT64: 3>
    """

    name: str
    type: FieldType
    nullable: bool = False
