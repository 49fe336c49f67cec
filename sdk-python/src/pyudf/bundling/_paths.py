"""Expressions that name a file, worked out without running anything."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping
from typing import Final

from pyudf.bundling._statements import Statement
from pyudf.bundling._syntax import dotted

# How many names may stand for one another before it is taken for a circle.
_DEEPEST: Final = 20
_PATHS: Final = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"})
_CURRENT: Final = frozenset({"os.getcwd", "pathlib.Path.cwd"})
_JOINS: Final = frozenset({"os.path.join", "posixpath.join"})
_WHOLE: Final = frozenset({"os.path.abspath", "os.path.realpath", "os.fspath", "str"})
_SAME: Final = frozenset({"resolve", "absolute", "as_posix", "expanduser"})


class Paths:
    """Works out texts and paths from constants of a document.

    Paths are relative to the directory that code is run in: that of the notebook.
    """

    def __init__(
        self, statements: Iterable[Statement], modules: Mapping[str, str], file: str
    ) -> None:
        """Collect the names that are bound once, to something simple.

        Args:
            statements: All of the document.
            modules: What imports bind, ``{"pd": "pandas"}``.
            file: What ``__file__`` is, relative to the directory that code is run in.
        """
        self._modules, self._file = modules, file
        values: dict[str, list[ast.expr | None]] = {}
        for statement in statements:
            for node in ast.walk(statement.node):
                match node:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value):
                        values.setdefault(name, []).append(value)
                    case ast.AnnAssign(target=ast.Name(id=name), value=value):
                        values.setdefault(name, []).append(value)
        stored = _stores(statements)
        self._values = {
            name: found[0]
            for name, found in values.items()
            if len(found) == 1 and found[0] is not None and stored.get(name, 0) == 1
        }

    def text(self, expression: ast.expr, depth: int = 0) -> str | None:
        """Return the text or path that an expression gives; None if that is not known."""
        found: str | None = None
        match expression:
            case ast.Constant(value=str(value)):
                found = value
            case ast.Name(id="__file__"):
                found = self._file
            case ast.Name(id=name) if name in self._values and depth < _DEEPEST:
                found = self.text(self._values[name], depth + 1)
            case ast.BinOp(op=ast.Div()):
                found = self._joined([expression.left, expression.right], depth)
            case ast.BinOp(op=ast.Add()):
                parts = [self.text(e, depth) for e in (expression.left, expression.right)]
                found = None if None in parts else "".join(filter(None, parts))
            case ast.JoinedStr():
                found = self._formatted(expression, depth)
            case ast.Attribute(value=value, attr="parent"):
                found = _above(self.text(value, depth))
            case ast.Call():
                found = self._call(expression, depth)
        return found

    def _joined(self, parts: Iterable[ast.expr], depth: int) -> str | None:
        texts = [self.text(part, depth) for part in parts]
        known = [text for text in texts if text is not None]
        return os.path.join(*known) if known and len(known) == len(texts) else None

    def _formatted(self, expression: ast.JoinedStr, depth: int) -> str | None:
        text = ""
        for value in expression.values:
            inner = value.value if isinstance(value, ast.FormattedValue) else value
            plain = not isinstance(value, ast.FormattedValue) or value.format_spec is None
            part = self.text(inner, depth) if plain else None
            if part is None:
                return None
            text += part
        return text

    def _call(self, call: ast.Call, depth: int) -> str | None:
        name = dotted(call.func, self._modules)
        found: str | None = None
        if name in _CURRENT or (name in _PATHS and not call.args):
            found = "."
        elif name in _PATHS or name in _JOINS:
            found = self._joined(call.args, depth)
        elif name in _WHOLE and call.args:
            found = self.text(call.args[0], depth)
        elif name == "os.path.dirname" and call.args:
            found = _above(self.text(call.args[0], depth))
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "joinpath":
            found = self._joined([call.func.value, *call.args], depth)
        elif isinstance(call.func, ast.Attribute) and call.func.attr in _SAME:
            found = self.text(call.func.value, depth)
        return found


def _above(path: str | None) -> str | None:
    return None if path is None else os.path.normpath(os.path.join(path, os.pardir))


def _stores(statements: Iterable[Statement]) -> dict[str, int]:
    """Return how often each name is bound anywhere, parameters included."""
    counts: dict[str, int] = {}
    for statement in statements:
        for node in ast.walk(statement.node):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    counts[name] = counts.get(name, 0) + 1
    return counts
