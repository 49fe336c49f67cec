"""Aggregates: what the engine computes of the records in a window, nulls left out."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import overload

from pyudf import windows
from pyudf._options import whole
from pyudf.emission import Emit, endless
from pyudf.errors import DefinitionError, Origin
from pyudf.expressions import Column, Expr

__all__ = [
    "Aggregate",
    "AggregateOp",
    "bottom",
    "collect",
    "count",
    "count_distinct",
    "first",
    "last",
    "max",
    "mean",
    "median",
    "min",
    "quantile",
    "std",
    "sum",
    "top",
    "var",
]


class AggregateOp(enum.Enum):
    """What an aggregate does. The names are those of the plan's ``AggregateOp``."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    VARIANCE = "var"
    STDDEV = "std"
    COUNT_DISTINCT = "count_distinct"
    QUANTILE = "quantile"
    COLLECT = "collect"
    TOP = "top"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """A value of the records in a window. Make one with ``count``, ``sum``, ``mean`` and so on.

    Attributes:
        op: What is computed.
        argument: Of what; None for a count of records.
        quantile: For ``QUANTILE``, between 0 and 1.
        limit: For ``COLLECT`` the most values, 0: without limit; for ``TOP`` and ``BOTTOM`` how
            many.
        ddof: For ``VARIANCE`` and ``STDDEV``: the divisor is the count less this.

    Example:
        >>> import pyudf as pu
        >>> pu.mean("temp_f").argument
        col('temp_f')
    """

    op: AggregateOp
    argument: Expr | None = None
    quantile: float = 0.0
    limit: int = 0
    ddof: int = 0


@overload
def count(what: str | Expr | None = None, /) -> Aggregate: ...


@overload
def count(what: int, /, *, every: int | None = None, emit: Emit = "final") -> windows.Count: ...


def count(
    what: str | Expr | int | None = None,
    /,
    *,
    every: int | None = None,
    emit: Emit = "final",
    grace: object = None,
    late: object = None,
) -> Aggregate | windows.Count:
    """Count records, or the values of a field. With a number: a window of so many records.

    Args:
        what: A field or expression, of which the values that are not null are counted; None: all
            records; a number: a window of the last so many records of a key.
        every: Of a window, after how many records there is a result; None: after as many as it
            holds.
        emit: Of a window, see ``pu.tumbling``.
        grace: Refused: windows of records follow the order of arrival.
        late: Refused, too.

    Raises:
        DefinitionError: The argument is none of these, or an option does not fit.

    Example:
        >>> import pyudf as pu
        >>> rides = pu.App("demo").topic("rides", key="courier")
        >>> rides.window(pu.count(100, every=10)).agg(n=pu.count(), rated=pu.count("stars"))
        <Stream aggregate-1 of app 'demo'>
    """
    origin = Origin.caller()
    if not isinstance(what, int):
        if every is not None or emit != "final" or grace is not None or late is not None:
            message = "count() has the options of a window, but no number of records: count(100)"
            raise DefinitionError(message, origin)
        argument = None if what is None else _argument(what, "count", origin)
        return Aggregate(AggregateOp.COUNT, argument)
    if grace is not None or late is not None:
        message = (
            "windows of count() follow the order of arrival, so nothing is late; leave grace= and "
            "late= out"
        )
        raise DefinitionError(message, origin)
    size = whole(what, "count", origin)
    step = size if every is None else whole(every, "every", origin)
    if step > size:
        message = f"count({size}, every={step}) would leave records out; every is at most {size}"
        raise DefinitionError(message, origin)
    return windows.Count(size, step, endless(emit, "count", origin))


def sum(what: str | Expr, /) -> Aggregate:  # noqa: A001 - the word that users look for
    """Add numbers up, exactly and in any order; of none it is 0.

    Args:
        what: A numeric field or expression.

    Raises:
        DefinitionError: It is neither a field nor an expression.

    Example:
        >>> import pyudf as pu
        >>> pu.sum(pu.col("price") * pu.col("n")).op.value
        'sum'
    """
    return _of(AggregateOp.SUM, what)


def mean(what: str | Expr, /) -> Aggregate:
    """Return the arithmetic mean of numbers; of none it is null.

    Args:
        what: A numeric field or expression.

    Raises:
        DefinitionError: It is neither a field nor an expression.

    Example:
        >>> mean("temp_f").op.value
        'mean'
    """
    return _of(AggregateOp.MEAN, what)


def min(what: str | Expr, /) -> Aggregate:  # noqa: A001 - the word that users look for
    """Return the least number, text or moment; of none it is null.

    Args:
        what: A field or expression.

    Raises:
        DefinitionError: It is neither a field nor an expression.

    Example:
        >>> import pyudf as pu
        >>> pu.min("temp_f").op.value
        'min'
    """
    return _of(AggregateOp.MIN, what)


def max(what: str | Expr, /) -> Aggregate:  # noqa: A001 - the word that users look for
    """Return the greatest number, text or moment; of none it is null.

    Args:
        what: A field or expression.

    Raises:
        DefinitionError: It is neither a field nor an expression.

    Example:
        >>> import pyudf as pu
        >>> pu.max("temp_f").op.value
        'max'
    """
    return _of(AggregateOp.MAX, what)


def first(what: str | Expr, /) -> Aggregate:
    """Return the value of the earliest record by event time that has one.

    Args:
        what: A field or expression.

    Raises:
        DefinitionError: It is neither a field nor an expression.

    Example:
        >>> first("action").op.value
        'first'
    """
    return _of(AggregateOp.FIRST, what)


def last(what: str | Expr, /) -> Aggregate:
    """Return the value of the latest record by event time that has one.

    Args:
        what: A field or expression.

    Raises:
        DefinitionError: It is neither a field nor an expression.

    Example:
        >>> last("action").op.value
        'last'
    """
    return _of(AggregateOp.LAST, what)


def var(what: str | Expr, /, *, ddof: int = 1) -> Aggregate:
    """Return the variance of numbers; null of as few as ``ddof``.

    Args:
        what: A numeric field or expression.
        ddof: The divisor is the count less this: 1 for a sample, as in pandas; 0 for all.

    Raises:
        DefinitionError: It is neither a field nor an expression, or ``ddof`` is negative.

    Example:
        >>> var("temp_f").ddof
        1
    """
    return _spread(AggregateOp.VARIANCE, what, ddof)


def std(what: str | Expr, /, *, ddof: int = 1) -> Aggregate:
    """Return the standard deviation of numbers, the root of ``var``.

    Args:
        what: A numeric field or expression.
        ddof: See ``var``.

    Raises:
        DefinitionError: As for ``var``.

    Example:
        >>> std("temp_f", ddof=0).ddof
        0
    """
    return _spread(AggregateOp.STDDEV, what, ddof)


def count_distinct(what: str | Expr, /) -> Aggregate:
    """Count different values: exactly while they are few, else with an error of about 1 %.

    Args:
        what: A field or expression.

    Raises:
        DefinitionError: It is neither a field nor an expression.

    Example:
        >>> count_distinct("courier").op.value
        'count_distinct'
    """
    return _of(AggregateOp.COUNT_DISTINCT, what)


def quantile(what: str | Expr, q: float, /) -> Aggregate:
    """Return a quantile of numbers: exactly while they are few, else with an error of about 1 %.

    Args:
        what: A numeric field or expression.
        q: Between 0 and 1.

    Raises:
        DefinitionError: It is neither a field nor an expression, or ``q`` is no such number.

    Example:
        >>> quantile("latency", 0.99).quantile
        0.99
    """
    origin = Origin.caller()
    number = isinstance(q, int | float) and not isinstance(q, bool)
    if not number or not 0 <= q <= 1:
        message = f"quantile(..., {q!r}); write a number between 0 and 1, 0.5 for the median"
        raise DefinitionError(message, origin)
    op = AggregateOp.QUANTILE
    return Aggregate(op, _argument(what, "quantile", origin), quantile=float(q))


def median(what: str | Expr, /) -> Aggregate:
    """Return the quantile 0.5.

    Args:
        what: A numeric field or expression.

    Raises:
        DefinitionError: It is neither a field nor an expression.

    Example:
        >>> median("latency").quantile
        0.5
    """
    argument = _argument(what, "median", Origin.caller())
    return Aggregate(AggregateOp.QUANTILE, argument, quantile=0.5)


def collect(what: str | Expr, /, *, limit: int | None = None) -> Aggregate:
    """Return a list of the values in the order of their event time.

    Args:
        what: A field or expression.
        limit: The most values to keep, the earliest; None: all.

    Raises:
        DefinitionError: It is neither a field nor an expression, or the limit is no number.

    Example:
        >>> collect("action", limit=100).limit
        100
    """
    origin = Origin.caller()
    most = 0 if limit is None else whole(limit, "limit", origin)
    return Aggregate(AggregateOp.COLLECT, _argument(what, "collect", origin), limit=most)


def top(what: str | Expr, k: int, /) -> Aggregate:
    """Return a list of the greatest numbers, the greatest first.

    Args:
        what: A numeric field or expression.
        k: How many.

    Raises:
        DefinitionError: It is neither a field nor an expression, or ``k`` is no number.

    Example:
        >>> top("price", 3).limit
        3
    """
    origin = Origin.caller()
    many = whole(k, "k", origin)
    return Aggregate(AggregateOp.TOP, _argument(what, "top", origin), limit=many)


def bottom(what: str | Expr, k: int, /) -> Aggregate:
    """Return a list of the least numbers, the least first.

    Args:
        what: A numeric field or expression.
        k: How many.

    Raises:
        DefinitionError: It is neither a field nor an expression, or ``k`` is no number.

    Example:
        >>> bottom("price", 3).limit
        3
    """
    origin = Origin.caller()
    many = whole(k, "k", origin)
    return Aggregate(AggregateOp.BOTTOM, _argument(what, "bottom", origin), limit=many)


def _of(op: AggregateOp, what: object) -> Aggregate:
    return Aggregate(op, _argument(what, op.value, Origin.caller()))


def _spread(op: AggregateOp, what: object, ddof: int) -> Aggregate:
    origin = Origin.caller()
    less = whole(ddof, "ddof", origin, least=0)
    return Aggregate(op, _argument(what, op.value, origin), ddof=less)


def _argument(what: object, name: str, origin: Origin) -> Expr:
    if isinstance(what, Expr):
        return what
    if isinstance(what, str) and what:
        return Column(what)
    message = f'{name}({what!r}); write the name of a field, or an expression such as pu.col("x")'
    raise DefinitionError(message, origin)
