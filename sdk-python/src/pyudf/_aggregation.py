"""What ``window(...).agg(...)`` means: its windows checked, its columns with their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyudf import _graph
from pyudf._aggregator import derive_aggregator, is_aggregator
from pyudf._custom import CustomFunctions, derive_custom
from pyudf._groups import derive_group
from pyudf._inference import ExpressionError, infer_aggregate
from pyudf._site import Site
from pyudf.aggregates import Aggregate
from pyudf.calls import Call, as_call
from pyudf.custom import Custom
from pyudf.schema import Fields
from pyudf.types import FieldType
from pyudf.windows import Count, Global, Session, Window


def check_window(site: Site, window: object) -> Window:
    """Return a window if it can be made of the records.

    Raises:
        DefinitionError: It is no window, or its fields do not exist or do not fit.
    """
    if not isinstance(window, Window):
        site.refuse(
            f'window() takes pu.tumbling("10s"), pu.session("45m") and the like, not {window!r}'
        )
    if isinstance(window, Session):
        _check_session(site, window)
    return window


def _check_session(site: Site, window: Session) -> None:
    name = window.gap_by
    if name is not None:
        if not site.fields.has(name):
            site.refuse(f"gap_by: {site.fields.missing(name)}")
        type_ = site.fields.type_of(name)
        if type_ is not None and not type_.number:
            site.refuse(f"gap_by: field {name!r} is {type_}; it takes a number of ms")
    if window.close_on is not None:
        type_ = site.infer(window.close_on, "close_on")
        if type_ not in (FieldType.BOOL, None):
            site.refuse(f"close_on takes a condition, {window.close_on!r} is {type_}")


def aggregate(
    site: Site, key: Fields | None, window: Window, columns: Mapping[str, object]
) -> tuple[_graph.Aggregate, Fields]:
    """Return the step, and what is known of the records that come out of it.

    Raises:
        DefinitionError: There are no columns, two fields have one name, or a column is no
            aggregate of the records.
    """
    if not columns:
        site.refuse('agg() needs at least one name=aggregate, such as mean=pu.mean("temp_f")')
    around = dict(_around(key, window))
    made = []
    types: dict[str, FieldType | None] = {}
    for name, value in columns.items():
        if name in around:
            site.refuse(f"agg({name}=...): the result has a field {name!r} already; rename it")
        column, types[name] = _column(site, name, value)
        made.append((name, column))
    late = site.graph.late_topic(getattr(window, "late", None))
    site.graph.check_late(late, site.origin)
    types = {**around, **types}
    fields = Fields(types, closed=True, computed=frozenset(types))
    return _graph.Aggregate(window, tuple(made), late, _custom(site, window)), fields


def _custom(site: Site, window: Window) -> CustomFunctions | None:
    if not isinstance(window, Custom):
        return None
    assign, merge, should_close = derive_custom(window, site.fields, site.origin)
    intern = site.graph.intern
    return CustomFunctions(
        intern(assign),
        None if merge is None else intern(merge),
        None if should_close is None else intern(should_close),
    )


def _around(key: Fields | None, window: Window) -> Iterator[tuple[str, FieldType | None]]:
    """Return the fields of the result that are no aggregates."""
    if key is not None:
        yield from key.types.items()
    if not isinstance(window, Global):
        yield "window_start", FieldType.INT64
        yield "window_end", FieldType.INT64
    if window.emit != "final":
        yield "rev", FieldType.INT64
        yield "final", FieldType.BOOL


def _column(site: Site, name: str, value: Any) -> tuple[Aggregate | _graph.Bound, FieldType | None]:
    if isinstance(value, Aggregate):
        try:
            return value, infer_aggregate(value, site.fields)
        except ExpressionError as err:
            site.refuse(f"agg({name}=...): {err}")
    if isinstance(value, Count):
        site.refuse(f"agg({name}=...) counts with pu.count(), without a number")
    if not isinstance(value, Call) and not callable(value) and not is_aggregator(value):
        site.refuse(
            f"agg({name}={value!r}); write an aggregate such as pu.mean(...), a function over the "
            "window's rows, or an aggregator"
        )
    callee = as_call(value)
    derive = derive_aggregator if is_aggregator(callee.func) else derive_group
    function = derive(callee.func, site.fields, callee.bind, callee.options, site.origin)
    function, bound = site.bound(function, callee)
    return bound, function.result_type
