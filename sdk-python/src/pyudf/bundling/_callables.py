"""The functions and classes of a document, by what calls of them look like."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyudf.bundling._scopes import Scope
from pyudf.bundling._statements import Statement
from pyudf.bundling._syntax import Definition

_MAKING: Final = frozenset({"__init__", "__new__", "__post_init__"})
_NOTICING: Final = frozenset({"__init_subclass__"})


@dataclass(frozen=True, slots=True)
class Callables:
    """What a call may run.

    Attributes:
        bodies: The functions.
        reads: The names of the module that they read, and those that they bind through ``global``.
        sets: The latter alone.
        is_class: Whether the call makes an instance of a class.
        hooked: Whether that class takes note of its subclasses.
    """

    bodies: tuple[Definition, ...]
    reads: frozenset[str]
    sets: frozenset[str]
    is_class: bool = False
    hooked: bool = False


def callables(statements: tuple[Statement, ...], scopes: tuple[Scope, ...]) -> dict[str, Callables]:
    """Return functions and classes by their names, and methods by a dot and their names."""
    found: dict[str, Callables] = {}
    for statement, scope in zip(statements, scopes, strict=True):
        node = statement.node
        reads = scope.later | scope.sets
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = Callables((node,), reads, scope.sets)
        elif isinstance(node, ast.ClassDef):
            methods = list(_methods(node))
            making = tuple(m for m in methods if m.name in _MAKING)
            hooked = bool(node.keywords) or any(m.name in _NOTICING for m in methods)
            found[node.name] = Callables(making, reads, scope.sets, is_class=True, hooked=hooked)
            for method in methods:
                key = f".{method.name}"
                before = found.get(key, Callables((), frozenset(), frozenset()))
                found[key] = Callables(
                    (*before.bodies, method), before.reads | reads, before.sets | scope.sets
                )
    return found


def _methods(node: ast.ClassDef) -> Iterator[Definition]:
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield part
