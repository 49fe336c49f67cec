"""Expressions over fields. The engine evaluates them itself: nothing travels to Python."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

__all__ = ["Column", "Expr", "Literal", "Op", "Operation", "Value", "col", "lit"]

Value: TypeAlias = bool | int | float | str | None

_INT64 = range(-(2**63), 2**63)


class Op(enum.Enum):
    """What an operation does. The names are those of the plan's ``Op``."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    FLOOR_DIVIDE = "//"
    MODULO = "%"
    NEGATE = "-x"
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    AND = "&"
    OR = "|"
    NOT = "~"
    IS_NULL = "is_null"
    IS_NOT_NULL = "is_not_null"
    IS_IN = "is_in"


class Expr:
    """A value that the engine computes for each record. Make one with ``col`` and ``lit``.

    Arithmetic is ``+ - * / // % -x`` over numbers, comparison ``== != < <= > >=``, logic ``& | ~``.
    As in SQL an operation on null gives null, and ``where`` drops records whose condition is null.

    Example:
        >>> hot = (col("temp_f") > 100) & col("rh").is_not_null()
        >>> hot
        ((col('temp_f') > 100) & col('rh').is_not_null())
    """

    __slots__ = ()

    def __add__(self, other: object) -> Operation:
        """Add two numbers."""
        return _binary(Op.ADD, self, other)

    def __radd__(self, other: object) -> Operation:
        """Add two numbers."""
        return _binary(Op.ADD, other, self)

    def __sub__(self, other: object) -> Operation:
        """Subtract a number from another."""
        return _binary(Op.SUBTRACT, self, other)

    def __rsub__(self, other: object) -> Operation:
        """Subtract a number from another."""
        return _binary(Op.SUBTRACT, other, self)

    def __mul__(self, other: object) -> Operation:
        """Multiply two numbers."""
        return _binary(Op.MULTIPLY, self, other)

    def __rmul__(self, other: object) -> Operation:
        """Multiply two numbers."""
        return _binary(Op.MULTIPLY, other, self)

    def __truediv__(self, other: object) -> Operation:
        """Divide, always into a float."""
        return _binary(Op.DIVIDE, self, other)

    def __rtruediv__(self, other: object) -> Operation:
        """Divide, always into a float."""
        return _binary(Op.DIVIDE, other, self)

    def __floordiv__(self, other: object) -> Operation:
        """Divide and round down, as Python does."""
        return _binary(Op.FLOOR_DIVIDE, self, other)

    def __rfloordiv__(self, other: object) -> Operation:
        """Divide and round down, as Python does."""
        return _binary(Op.FLOOR_DIVIDE, other, self)

    def __mod__(self, other: object) -> Operation:
        """Return the rest of ``//``, with the sign of the divisor, as Python does."""
        return _binary(Op.MODULO, self, other)

    def __rmod__(self, other: object) -> Operation:
        """Return the rest of ``//``, with the sign of the divisor, as Python does."""
        return _binary(Op.MODULO, other, self)

    def __neg__(self) -> Operation:
        """Change the sign of a number."""
        return Operation(Op.NEGATE, (self,))

    # Any, since object's own == and != return bool; what comes back is an Operation.
    def __eq__(self, other: object) -> Any:
        """Test whether two values are equal."""
        return _binary(Op.EQUAL, self, other)

    def __ne__(self, other: object) -> Any:
        """Test whether two values differ."""
        return _binary(Op.NOT_EQUAL, self, other)

    def __lt__(self, other: object) -> Operation:
        """Test whether a value is less than another."""
        return _binary(Op.LESS, self, other)

    def __le__(self, other: object) -> Operation:
        """Test whether a value is at most another."""
        return _binary(Op.LESS_EQUAL, self, other)

    def __gt__(self, other: object) -> Operation:
        """Test whether a value is greater than another."""
        return _binary(Op.GREATER, self, other)

    def __ge__(self, other: object) -> Operation:
        """Test whether a value is at least another."""
        return _binary(Op.GREATER_EQUAL, self, other)

    def __and__(self, other: object) -> Operation:
        """Test whether both conditions are true."""
        return _binary(Op.AND, self, other)

    def __rand__(self, other: object) -> Operation:
        """Test whether both conditions are true."""
        return _binary(Op.AND, other, self)

    def __or__(self, other: object) -> Operation:
        """Test whether one of two conditions is true."""
        return _binary(Op.OR, self, other)

    def __ror__(self, other: object) -> Operation:
        """Test whether one of two conditions is true."""
        return _binary(Op.OR, other, self)

    def __invert__(self) -> Operation:
        """Test whether the condition is false."""
        return Operation(Op.NOT, (self,))

    def is_null(self) -> Operation:
        """Test whether the value is null or missing.

        Example:
            >>> col("rh").is_null()
            col('rh').is_null()
        """
        return Operation(Op.IS_NULL, (self,))

    def is_not_null(self) -> Operation:
        """Test whether there is a value.

        Example:
            >>> col("rh").is_not_null()
            col('rh').is_not_null()
        """
        return Operation(Op.IS_NOT_NULL, (self,))

    def is_in(self, values: Collection[Value]) -> Operation:
        """Test whether the value is one of several.

        Args:
            values: At least one value, all of one type, none of them None.

        Raises:
            TypeError: The values are no collection, or of different types.
            ValueError: There are no values.

        Example:
            >>> col("station").is_in(["JFK", "LGA"])
            col('station').is_in(['JFK', 'LGA'])
        """
        literals = _members(values)
        return Operation(Op.IS_IN, (self, *literals))

    def __bool__(self) -> NoReturn:
        """Refuse: the value is only known when the engine runs."""
        message = (
            f"{self!r} is true or false only when the engine runs: write & | ~ instead of "
            "and, or, not, put each side in parentheses, and split a < b < c into two comparisons"
        )
        raise TypeError(message)

    def __iter__(self) -> Iterator[NoReturn]:
        """Refuse: an expression is one value."""
        message = f"{self!r} is one value a record: it cannot be iterated or unpacked"
        raise TypeError(message)

    def __contains__(self, item: object) -> NoReturn:
        """Refuse: ``in`` cannot be left to the engine."""
        message = f"write .is_in([...]) instead of 'in' with {self!r}"
        raise TypeError(message)

    def __hash__(self) -> int:
        """Hash by identity: ``==`` makes an expression, so equality cannot be asked."""
        return id(self)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Column(Expr):
    """The value of a field.

    Attributes:
        name: The field's name.
    """

    name: str

    def __repr__(self) -> str:
        """Return how to write it."""
        return f"col({self.name!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Literal(Expr):
    """The same value for each record.

    Attributes:
        value: A bool, int, float, str or None.
    """

    value: Value

    def __repr__(self) -> str:
        """Return the value as Python writes it."""
        return repr(self.value)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operation(Expr):
    """An operation on other expressions.

    Attributes:
        op: What it does.
        args: What it does it to; for ``IS_IN`` a value and the literals that it is looked for in.
    """

    op: Op
    args: tuple[Expr, ...]

    def __repr__(self) -> str:
        """Return how to write it."""
        first, *rest = map(repr, self.args)
        if self.op is Op.IS_IN:
            return f"{first}.is_in([{', '.join(rest)}])"
        if self.op in (Op.IS_NULL, Op.IS_NOT_NULL):
            return f"{first}.{self.op.value}()"
        if not rest:
            return f"{self.op.value[0]}{first}"
        return f"({first} {self.op.value} {rest[0]})"


def col(name: str) -> Column:
    """Return the value of a field.

    Args:
        name: The field's name, exactly as in the records.

    Raises:
        TypeError: The name is no text or empty.

    Example:
        >>> col("temp_f") * 1.8 + 32
        ((col('temp_f') * 1.8) + 32)
    """
    if not isinstance(name, str) or not name:
        message = f"col() takes the name of a field, not {name!r}"
        raise TypeError(message)
    return Column(name)


def lit(value: Value) -> Literal:
    """Return a constant.

    Args:
        value: A bool, int (64 bits), float, str or None.

    Raises:
        TypeError: The value has another type.
        ValueError: The int does not fit into 64 bits.

    Example:
        >>> lit(1) / col("rh")
        (1 / col('rh'))
    """
    return _literal(value)


def _literal(value: object) -> Literal:
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, int) and value not in _INT64:
        message = f"{value} does not fit into 64 bits"
        raise ValueError(message)
    if value is None or isinstance(value, bool | int | float | str):
        return Literal(value)
    message = (
        f"{value!r} is a {type(value).__qualname__}: an expression takes bool, int, float, str "
        "and None; convert it, or compute the column in a function"
    )
    raise TypeError(message)


def _expr(value: object) -> Expr:
    return value if isinstance(value, Expr) else _literal(value)


def _binary(op: Op, left: object, right: object) -> Operation:
    return Operation(op, (_expr(left), _expr(right)))


def _members(values: object) -> list[Literal]:
    if isinstance(values, str | bytes) or not isinstance(values, Collection):
        message = f"is_in() takes a list of values, not {values!r}"
        raise TypeError(message)
    if not values:
        message = "is_in() needs at least one value"
        raise ValueError(message)
    literals = [_literal(value) for value in values]
    kinds = {type(literal.value) for literal in literals}
    if type(None) in kinds:
        message = "is_in() does not find null; write .is_null() | .is_in([...])"
        raise TypeError(message)
    if len(kinds) > 1 and not kinds <= {int, float}:
        names = ", ".join(sorted(kind.__qualname__ for kind in kinds))
        message = f"is_in() takes values of one type, not of {names}"
        raise TypeError(message)
    return literals
