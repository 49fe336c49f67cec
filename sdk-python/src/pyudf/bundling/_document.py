"""Notebooks and Python files as their authors wrote them: cells of lines."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from pyudf._cells import cell_file
from pyudf.bundling._faults import Fault, Refused
from pyudf.errors import LoadError, Origin


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with code in it.

    Attributes:
        file: What Python and messages call it: ``heat.ipynb[3]``, or the path of a Python file.
        text: Its lines.
    """

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A notebook or a Python file.

    Attributes:
        path: Where it is, absolute.
        cells: The cells with code. A notebook's are numbered as Jupyter does when it runs all of
            them from the top: empty cells have no number.
    """

    path: str
    cells: tuple[Cell, ...]

    @property
    def directory(self) -> str:
        """The directory that it is in."""
        return os.path.dirname(self.path)


def read_document(path: str) -> Document:
    """Read a notebook or a Python file.

    Raises:
        LoadError: It is not there, or not what its name says.
    """
    full = os.path.abspath(path)
    try:
        with open(full, "rb") as file:
            content = file.read()
        text = content.decode("utf-8-sig")
    except OSError as err:
        message = f"{path}: {err.strerror}; name a notebook or a Python file that is there"
        raise LoadError(message) from err
    except UnicodeDecodeError as err:
        message = f"{path} is not UTF-8 (byte {err.start}); save it again as UTF-8"
        raise LoadError(message) from err
    if not path.endswith(".ipynb"):
        return Document(full, (Cell(full, text),))
    return Document(full, tuple(_cells(full, _notebook(path, text))))


def _notebook(path: str, text: str) -> dict[str, Any]:
    advice = "open it in Jupyter and save it again"
    try:
        notebook = json.loads(text)
    except ValueError as err:
        message = f"{path} is no notebook: it is not JSON ({err}); {advice}"
        raise LoadError(message) from err
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        message = f"{path} is no notebook: its JSON has no nbformat; {advice}"
        raise LoadError(message)
    metadata = notebook.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = kernel.get("language", "python") if isinstance(kernel, dict) else "python"
    if language != "python":
        message = f"{path} is a notebook of {language!r}; pyudf runs Python"
        raise LoadError(message)
    return notebook


def _cells(path: str, notebook: dict[str, Any]) -> list[Cell]:
    raw = notebook.get("cells")
    if raw is None:  # nbformat 3
        raw = [c for sheet in notebook.get("worksheets", ()) for c in sheet.get("cells", ())]
    cells: list[Cell] = []
    for cell in raw if isinstance(raw, list) else ():
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", cell.get("input", ""))
        text = "".join(source) if isinstance(source, list) else str(source)
        if text.strip():
            name = cell_file(path, len(cells) + 1)
            cells.append(Cell(name, text.replace("\r\n", "\n")))
    if not cells:
        fault = Fault(Origin(path, 0), "has no cell with code", "write the app in it")
        raise Refused(path, [fault])
    return cells
