"""Which names may stand for the same thing, or for something that holds it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from pyudf.bundling._syntax import has_call, root, running

# Functions whose results hold their arguments, as those of classes may.
_HOLDERS: Final = frozenset(
    "asarray atleast_1d atleast_2d cast dict enumerate iter list make_pipeline partial reversed "
    "tuple zip".split()
)
# Methods that give away a part of what they are called on.
_PARTS: Final = frozenset(
    "get items ravel reshape setdefault squeeze swapaxes transpose values view".split()
)


def holdings(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Return pairs of names of which the first may hold what the second one is."""
    for part in running(node):
        match part:
            case ast.Assign():
                names = [n for t in part.targets for n in _plain(t)]
                held = set(_held(part.value))
            case ast.AnnAssign() | ast.NamedExpr() if part.value is not None:
                names, held = list(_plain(part.target)), set(_held(part.value))
            case ast.For() | ast.AsyncFor():
                names = list(_plain(part.target))
                held = {n.id for n in ast.walk(part.iter) if isinstance(n, ast.Name)}
            case ast.withitem() if part.optional_vars is not None:
                names = list(_plain(part.optional_vars))
                held = set(filter(None, [root(part.context_expr)]))
            case _:
                continue
        yield from ((name, other) for name in names for other in held if name != other)


def _plain(target: ast.expr) -> Iterator[str]:
    return (n.id for n in ast.walk(target) if isinstance(n, ast.Name))


def _held(value: ast.expr) -> Iterator[str]:
    """Return the names of what the value of an expression may be, or hold."""
    match value:
        case ast.Name() | ast.Attribute() | ast.Subscript() if not has_call(value):
            yield from filter(None, [root(value)])
        case ast.List() | ast.Tuple() | ast.Set():
            for item in value.elts:
                yield from _held(item)
        case ast.Dict():
            for entry in value.values:
                yield from _held(entry)
        case ast.IfExp():
            yield from _held(value.body)
            yield from _held(value.orelse)
        case ast.Starred() | ast.NamedExpr():
            yield from _held(value.value)
        case ast.Call():
            last = value.func.attr if isinstance(value.func, ast.Attribute) else root(value.func)
            if last in _PARTS and isinstance(value.func, ast.Attribute):
                yield from filter(None, [root(value.func)])
            if last is not None and (last[:1].isupper() or last in _HOLDERS):
                for argument in [*value.args, *(k.value for k in value.keywords)]:
                    yield from _held(argument)


def kin(names: Iterable[str], pairs: Iterable[tuple[str, str]]) -> set[str]:
    """Return names with all those that may stand for the same, or hold it.

    Args:
        names: Where to begin.
        pairs: What ``holdings`` returned.
    """
    near: dict[str, set[str]] = {}
    for one, other in pairs:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += near.get(name, ())
    return found
