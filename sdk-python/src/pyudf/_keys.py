"""What the arguments of ``key_by`` mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from pyudf._site import Site
from pyudf.calls import Call
from pyudf.expressions import Column, Expr
from pyudf.schema import Fields

Computed: TypeAlias = Expr | Callable[..., object] | Call


def read_keys(
    site: Site, keys: Iterable[object], named: Mapping[str, object]
) -> tuple[tuple[str, ...], dict[str, Computed]]:
    """Return the fields to key by, and the columns to compute for it before.

    Raises:
        DefinitionError: A key has no name, or is none.
    """
    given = [_positional(site, key) for key in keys]
    given += [_named(site, name, key) for name, key in named.items()]
    names = tuple(name for name, _ in given)
    computed = {name: value for name, value in given if value is not None}
    site._replace(fields=_with(site, computed)).check_names("key_by", names)
    return names, computed


def _with(site: Site, computed: Mapping[str, Computed]) -> Fields:
    fields = site.fields
    for name in computed:
        fields = fields.with_field(name, None)
    return fields


def _positional(site: Site, key: object) -> tuple[str, Computed | None]:
    if isinstance(key, str):
        return key, None
    if isinstance(key, Column):
        return key.name, None
    if isinstance(key, Expr):
        site.refuse(f"key_by({key!r}) has no name for its field; write key_by(name={key!r})")
    function = key.func if isinstance(key, Call) else key
    name = getattr(function, "__name__", None)
    if name is None or not (callable(key) or isinstance(key, Call)):
        site.refuse(f"key_by() takes names of fields, expressions and functions, not {key!r}")
    return name, key


def _named(site: Site, name: str, key: object) -> tuple[str, Computed | None]:
    if isinstance(key, str):
        site.refuse(
            f'key_by({name}={key!r}) names a field; write key_by("{key}"), or '
            f'key_by({name}=pu.col("{key}")) for a copy of it'
        )
    if isinstance(key, Column) and key.name == name:
        return name, None
    if not isinstance(key, Expr | Call) and not callable(key):
        site.refuse(f"key_by({name}={key!r}); write an expression or a function")
    return name, key
