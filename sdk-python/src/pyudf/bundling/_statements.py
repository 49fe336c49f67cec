"""The statements of a document, in the order in which a run from the top would meet them."""

from __future__ import annotations

import ast
import textwrap
import warnings
from dataclasses import dataclass

from pyudf._cells import first_line, is_cell
from pyudf.bundling._document import Cell, Document
from pyudf.bundling._faults import Fault, Refused
from pyudf.bundling._magics import Cleaned, clean
from pyudf.errors import Origin


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A statement at the top of a cell or file.

    Attributes:
        index: Its number in the document, from 0.
        node: What Python makes of it.
        text: Its lines, from the first decorator on.
        origin: Where it begins.
        end: Its last line.
        magics: What only IPython understands and was cut out of it, each with its line.
    """

    index: int
    node: ast.stmt
    text: str
    origin: Origin
    end: int
    magics: tuple[tuple[int, str], ...] = ()

    def at(self, node: ast.AST) -> Origin:
        """Return the place of a part of it."""
        return Origin(self.origin.file, getattr(node, "lineno", self.origin.line))


@dataclass(frozen=True, slots=True)
class Skipped:
    """Lines that are no Python."""

    origin: Origin
    text: str


@dataclass(frozen=True, slots=True)
class Program:
    """A document that was parsed."""

    document: Document
    statements: tuple[Statement, ...]
    skipped: tuple[Skipped, ...]


def parse(document: Document) -> Program:
    """Parse a document.

    Raises:
        Refused: Cells are no Python; all of them are named.
    """
    statements: list[Statement] = []
    skipped: list[Skipped] = []
    faults: list[Fault] = []
    for cell in document.cells:
        try:
            cleaned, tree = _parse(cell)
        except (SyntaxError, ValueError) as err:
            faults.append(_fault(cell, err))
            continue
        first = Origin(cell.file, 1)
        if not cleaned.python:
            skipped.append(Skipped(first, cleaned.magics[0]))
            continue
        for node in tree.body:
            magic = cleaned.magics.get(node.lineno)
            if isinstance(node, ast.Pass) and magic is not None:
                skipped.append(Skipped(Origin(cell.file, node.lineno), magic))
            else:
                statements.append(_statement(len(statements), cell, cleaned, node))
    if faults:
        raise Refused(document.path, faults)
    return Program(document, tuple(statements), tuple(skipped))


def _parse(cell: Cell) -> tuple[Cleaned, ast.Module]:
    try:
        return Cleaned(cell.text, {}), _tree(cell.text, cell.file)
    except SyntaxError:
        # A file of Python has no magics; what IPython does not understand either is as it stands.
        if not is_cell(cell.file):
            raise
        cleaned = clean(cell.text)
        if not cleaned.magics:
            raise
        return cleaned, _tree(cleaned.text, cell.file)


def _tree(text: str, file: str) -> ast.Module:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        tree = compile(text, file, "exec", flags, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def _fault(cell: Cell, err: SyntaxError | ValueError) -> Fault:
    line = getattr(err, "lineno", None) or 1
    what = f"{type(err).__name__}: {getattr(err, 'msg', err)}"
    lines = cell.text.split("\n")
    shown = lines[line - 1].strip() if line <= len(lines) else ""
    mend = "mend the line, or delete the cell" if is_cell(cell.file) else "mend the line"
    return Fault(Origin(cell.file, line), f"{what}: {shown}", mend)


def _statement(index: int, cell: Cell, cleaned: Cleaned, node: ast.stmt) -> Statement:
    line, end = first_line(node), node.end_lineno or node.lineno
    magics = tuple((n, text) for n, text in cleaned.magics.items() if n == 0 or line <= n <= end)
    text = _segment(cleaned.text.split("\n"), node)
    return Statement(index, node, text, Origin(cell.file, line), end, magics)


def _segment(lines: list[str], node: ast.stmt) -> str:
    """Return the lines of a statement that may share its first and last line with others."""
    start, end = first_line(node), node.end_lineno or node.lineno
    taken = [line.encode() for line in lines[start - 1 : end]]
    taken[-1] = taken[-1][: node.end_col_offset]
    if start == node.lineno:
        taken[0] = taken[0][node.col_offset :]
    return b"\n".join(taken).decode()


def shown(text: str, width: int = 60) -> str:
    """Return the first line of a statement, cut."""
    first, *others = text.strip().split("\n")
    while first.startswith("@") and others:
        first = others.pop(0)
    return textwrap.shorten(first, width, placeholder=" ...")
