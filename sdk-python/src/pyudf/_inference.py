"""The type of an expression over known fields: the engine's rules, checked early."""

from __future__ import annotations

from pyudf.aggregates import Aggregate, AggregateOp
from pyudf.expressions import Column, Expr, Literal, Op, Operation
from pyudf.schema import Fields
from pyudf.types import FieldType

_ARITHMETIC = {
    Op.ADD,
    Op.SUBTRACT,
    Op.MULTIPLY,
    Op.DIVIDE,
    Op.FLOOR_DIVIDE,
    Op.MODULO,
    Op.NEGATE,
}
_LOGIC = {Op.AND, Op.OR, Op.NOT}
_ORDER = {Op.LESS, Op.LESS_EQUAL, Op.GREATER, Op.GREATER_EQUAL}


_NUMERIC = {
    AggregateOp.SUM,
    AggregateOp.MEAN,
    AggregateOp.VARIANCE,
    AggregateOp.STDDEV,
    AggregateOp.QUANTILE,
    AggregateOp.TOP,
    AggregateOp.BOTTOM,
}
_RESULTS = {
    AggregateOp.COUNT: FieldType.INT64,
    AggregateOp.COUNT_DISTINCT: FieldType.INT64,
    AggregateOp.MEAN: FieldType.FLOAT64,
    AggregateOp.VARIANCE: FieldType.FLOAT64,
    AggregateOp.STDDEV: FieldType.FLOAT64,
    AggregateOp.QUANTILE: FieldType.FLOAT64,
    AggregateOp.COLLECT: FieldType.JSON,
    AggregateOp.TOP: FieldType.JSON,
    AggregateOp.BOTTOM: FieldType.JSON,
}


class ExpressionError(Exception):
    """The engine could not evaluate the expression; the message says why and what to write."""


def infer(expr: Expr, fields: Fields) -> FieldType | None:
    """Return the expression's type, None if it is that of a field of unknown type, or null.

    Raises:
        ExpressionError: A field does not exist, or an operation does not fit its operands.
    """
    if isinstance(expr, Column):
        if not fields.has(expr.name):
            raise ExpressionError(fields.missing(expr.name))
        return fields.type_of(expr.name)
    if isinstance(expr, Literal):
        return _literal(expr)
    assert isinstance(expr, Operation)
    operands = [infer(arg, fields) for arg in expr.args]
    if expr.op in _ARITHMETIC:
        return _arithmetic(expr, operands)
    if expr.op in _LOGIC:
        return _logic(expr, operands)
    if expr.op not in (Op.IS_NULL, Op.IS_NOT_NULL):
        _comparison(expr, operands)
    return FieldType.BOOL


def infer_aggregate(aggregate: Aggregate, fields: Fields) -> FieldType:
    """Return the type of an aggregate's result.

    Raises:
        ExpressionError: As for ``infer``, or the aggregate does not fit its argument.
    """
    op, argument = aggregate.op, aggregate.argument
    type_ = None if argument is None else infer(argument, fields)
    if argument is not None:
        _check_argument(op, argument, type_)
    if op in (AggregateOp.FIRST, AggregateOp.LAST):
        return type_ or FieldType.JSON
    return _RESULTS.get(op) or type_ or FieldType.FLOAT64


def _check_argument(op: AggregateOp, argument: Expr, type_: FieldType | None) -> None:
    if isinstance(argument, Literal):
        message = f"{op.value} of the constant {argument!r}; name a field or an expression of some"
        raise ExpressionError(message)
    if op in _NUMERIC and type_ is not None and not type_.number:
        message = (
            f"{op.value} needs a number (int64 or float64), and {argument!r} is {type_}; declare "
            "the field as one in schema=, or compute the column before in a function"
        )
        raise ExpressionError(message)
    unordered = (FieldType.BOOL, FieldType.DECIMAL, FieldType.JSON)
    if op in (AggregateOp.MIN, AggregateOp.MAX) and type_ in unordered:
        message = (
            f"{op.value} needs a number, a text or a timestamp, and {argument!r} is {type_}; "
            "convert it in a function before"
        )
        raise ExpressionError(message)


def _literal(literal: Literal) -> FieldType | None:
    kinds = {bool: FieldType.BOOL, int: FieldType.INT64, str: FieldType.STRING}
    if isinstance(literal.value, float):
        return FieldType.FLOAT64
    return kinds.get(type(literal.value))


def _arithmetic(expr: Operation, operands: list[FieldType | None]) -> FieldType:
    for arg, operand in zip(expr.args, operands, strict=True):
        _refuse_null(expr, arg)
        if operand is not None and not operand.number:
            message = (
                f"{arg!r} in {expr!r} is {operand}, and {expr.op.value[0]} takes numbers (int64 or "
                "float64); declare the field as one in schema=, or compute the column in a function"
            )
            raise ExpressionError(message)
    whole = all(operand is FieldType.INT64 for operand in operands)
    return FieldType.INT64 if whole and expr.op is not Op.DIVIDE else FieldType.FLOAT64


def _logic(expr: Operation, operands: list[FieldType | None]) -> FieldType:
    for arg, operand in zip(expr.args, operands, strict=True):
        _refuse_null(expr, arg)
        if operand not in (FieldType.BOOL, None):
            message = (
                f"{arg!r} in {expr!r} is {operand}, not true or false; {expr.op.value[0]} binds "
                "tighter than comparisons: put each of them in parentheses"
            )
            raise ExpressionError(message)
    return FieldType.BOOL


def _comparison(expr: Operation, operands: list[FieldType | None]) -> None:
    for arg, operand in zip(expr.args, operands, strict=True):
        _refuse_null(expr, arg)
        if operand is FieldType.JSON:
            message = (
                f"{arg!r} in {expr!r} is a JSON value of any kind, which cannot be compared; "
                "declare its type with schema= where the stream begins, or compare in a function"
            )
            raise ExpressionError(message)
    if not any(operands):
        message = (
            f"the types of {' and '.join(map(repr, expr.args))} in {expr!r} are not known; declare "
            "them where the stream begins, for example schema={'temp_f': float}"
        )
        raise ExpressionError(message)
    first, *others = zip(expr.args, operands, strict=True)
    for other in others:
        if not _comparable(*first, *other):
            message = (
                f"{expr!r} compares values of different types: {first[0]!r} is {first[1]}, "
                f"{other[0]!r} is {other[1]}"
            )
            raise ExpressionError(message)
    if expr.op in _ORDER and FieldType.BOOL in operands:
        message = f"{expr!r} orders true and false; write == or != for them"
        raise ExpressionError(message)


def _comparable(a: Expr, a_type: FieldType | None, b: Expr, b_type: FieldType | None) -> bool:
    """Tell whether two values can be equal. Constants are written as text for some types."""
    if a_type is None or b_type is None or a_type is b_type:
        return True
    types = {a_type, b_type}
    texts = {FieldType.DECIMAL, FieldType.TIMESTAMP}
    if types <= {FieldType.INT64, FieldType.FLOAT64, FieldType.DECIMAL}:
        return True
    constant = isinstance(a if a_type is FieldType.STRING else b, Literal)
    return FieldType.STRING in types and bool(types & texts) and constant


def _refuse_null(expr: Operation, arg: Expr) -> None:
    if isinstance(arg, Literal) and arg.value is None:
        message = f"{expr!r} is always null; write .is_null() or .is_not_null() to test for null"
        raise ExpressionError(message)
