"""The module that a notebook becomes: what goes of it, and where each line stood."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Sequence
from typing import Final

from pyudf._cells import Extracted, Piece
from pyudf.bundling._statements import Statement

_CELL: Final = re.compile(r".*\[(\d+)\]")


def module_name(path: str) -> str:
    """Return what the module of a notebook is called: no other module's name.

    Example:
        >>> module_name("heat index.ipynb")
        'heat_index_notebook'
    """
    stem = os.path.splitext(os.path.basename(path))[0]
    return re.sub(r"\W", "_", stem) + "_notebook"


def extract(statements: Sequence[Statement]) -> Extracted:
    """Return the module of the statements of a notebook that go."""
    lines: list[str] = []
    pieces: list[Piece] = []
    ahead = sorted(statements, key=lambda s: (not _is_future(s.node), s.index))
    for before, statement in zip([None, *ahead], ahead, strict=False):
        new_cell = before is not None and before.origin.file != statement.origin.file
        if new_cell or isinstance(statement.node, ast.FunctionDef | ast.ClassDef):
            lines += [""] * bool(lines)
        found = _CELL.fullmatch(statement.origin.file)
        assert found is not None, "only notebooks are extracted"
        own = statement.text.split("\n")
        line = statement.origin.line
        pieces.append(Piece(len(lines) + 1, len(own), int(found[1]), line))
        lines += own
    return Extracted("\n".join(lines) + "\n", tuple(pieces))


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
