"""Runs a module as the cells of the notebook that it was made of."""

from __future__ import annotations
import __future__

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple


def cell_file(path: str, number: int) -> str:
    """Return what Python and messages call a cell of a notebook."""
    return f"{path}[{number}]"


def is_cell(file: str) -> bool:
    """Tell whether a file is what ``cell_file`` calls a cell."""
    return ".ipynb[" in file


def first_line(node: ast.stmt) -> int:
    """Return the line on which a statement begins, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


class Piece(NamedTuple):
    """Where a statement of a module stood in its notebook.

    Attributes:
        at: The line in the module, from 1.
        length: How many lines it has.
        cell: The number of its cell.
        line: Its line there.
    """

    at: int
    length: int
    cell: int
    line: int


class Extracted(NamedTuple):
    """A module made of a notebook.

    Attributes:
        text: Its source.
        pieces: One for each statement, in order.
    """

    text: str
    pieces: tuple[Piece, ...]


class CellLoader(importlib.abc.InspectLoader):
    """Runs a module as the cells that it was: tracebacks name cells and their lines.

    Attributes:
        home: The directory that the code is run in.
        text: The source of the module.
    """

    def __init__(
        self,
        notebook: str,
        home: str,
        extracted: Extracted,
        cells: Mapping[int, str] | None = None,
    ) -> None:
        """Make one.

        Args:
            notebook: How places name the notebook.
            home: The directory that the code is run in.
            extracted: The module.
            cells: The text of the cells for tracebacks; None: only what went is known.
        """
        self.home = home
        self.text, self._pieces = extracted
        self._notebook = notebook
        self._cells = dict(cells) if cells is not None else _cells(extracted)

    def owns(self, file: str) -> bool:
        """Tell whether code with this file name is of the module."""
        return file.startswith(f"{self._notebook}[")

    def get_source(self, fullname: str) -> str:
        """Return the source of the module."""
        return self.text

    def exec_module(self, module: ModuleType) -> None:
        """Run the statements in order."""
        for number, text in self._cells.items():
            file = cell_file(self._notebook, number)
            lines = [line + "\n" for line in text.split("\n")]
            linecache.cache[file] = (len(text), None, lines, file)
        flags = 0
        nodes = ast.parse(self.text).body
        for node, piece in zip(nodes, self._pieces, strict=True):
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                for alias in node.names:
                    flags |= getattr(__future__, alias.name).compiler_flag
            ast.increment_lineno(node, piece.line - first_line(node))
            file = cell_file(self._notebook, piece.cell)
            tree = ast.Module([node], type_ignores=[])
            exec(compile(tree, file, "exec", flags, dont_inherit=True), vars(module))


def new_module(name: str, file: str, loader: CellLoader) -> ModuleType:
    """Return an empty module that a loader can run."""
    spec = importlib.machinery.ModuleSpec(name, loader, origin=file)
    module = importlib.util.module_from_spec(spec)
    module.__file__ = file
    return module


def _cells(extracted: Extracted) -> dict[int, str]:
    """Return the cells with the lines that went, all others empty."""
    lines = extracted.text.split("\n")
    cells: dict[int, list[str]] = {}
    for piece in extracted.pieces:
        cell = cells.setdefault(piece.cell, [])
        cell += [""] * (piece.line + piece.length - 1 - len(cell))
        for i in range(piece.length):
            there = cell[piece.line - 1 + i]
            own = lines[piece.at - 1 + i]
            cell[piece.line - 1 + i] = f"{there}; {own}" if there else own
    return {number: "\n".join(cell) for number, cell in cells.items()}
