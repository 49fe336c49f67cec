"""Expressions that name a file, worked out without running anything."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping
from typing import Final

from pyudf.bundling._statements import Statement
from pyudf.bundling._syntax import dotted

_PATHS: Final = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.fspath"})
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
        if depth > 20:
            return None
        match expression:
            case ast.Constant(value=str(value)):
                return value
            case ast.Name(id="__file__"):
                return self._file
            case ast.Name(id=name) if name in self._values:
                return self.text(self._values[name], depth + 1)
            case ast.BinOp(op=ast.Div()):
                return self._joined([expression.left, expression.right], depth)
            case ast.BinOp(op=ast.Add()):
                parts = [self.text(e, depth + 1) for e in (expression.left, expression.right)]
                return None if None in parts else "".join(filter(None, parts))
            case ast.JoinedStr():
                return self._formatted(expression, depth)
            case ast.Attribute(value=value, attr="parent"):
                inner = self.text(value, depth + 1)
                return None if inner is None else _above(inner)
            case ast.Call():
                return self._call(expression, depth)
        return None

    def _joined(self, parts: Iterable[ast.expr], depth: int) -> str | None:
        texts = [self.text(part, depth + 1) for part in parts]
        known = [text for text in texts if text is not None]
        return os.path.join(*known) if known and len(known) == len(texts) else None

    def _formatted(self, expression: ast.JoinedStr, depth: int) -> str | None:
        text = ""
        for value in expression.values:
            inner = value.value if isinstance(value, ast.FormattedValue) else value
            plain = not isinstance(value, ast.FormattedValue) or value.format_spec is None
            part = self.text(inner, depth + 1) if plain else None
            if part is None:
                return None
            text += part
        return text

    def _call(self, call: ast.Call, depth: int) -> str | None:
        name = dotted(call.func, self._modules)
        if name in ("os.path.join", "posixpath.join") and call.args:
            return self._joined(call.args, depth)
        if name in _PATHS or name == "str":
            return self._joined(call.args, depth) if call.args else "."
        if name in ("os.getcwd", "pathlib.Path.cwd"):
            return "."
        if name in ("os.path.abspath", "os.path.realpath") and call.args:
            return self.text(call.args[0], depth + 1)
        if name == "os.path.dirname" and call.args:
            inner = self.text(call.args[0], depth + 1)
            return None if inner is None else _above(inner)
        if isinstance(call.func, ast.Attribute):
            if call.func.attr == "joinpath":
                return self._joined([call.func.value, *call.args], depth)
            if call.func.attr in _SAME:
                return self.text(call.func.value, depth + 1)
        return None


def _above(path: str) -> str:
    return os.path.normpath(os.path.join(path, os.pardir))


def _stores(statements: Iterable[Statement]) -> dict[str, int]:
    """Return how often each name is bound anywhere, parameters included."""
    counts: dict[str, int] = {}
    for statement in statements:
        for node in ast.walk(statement.node):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    counts[name] = counts.get(name, 0) + 1
    return counts
