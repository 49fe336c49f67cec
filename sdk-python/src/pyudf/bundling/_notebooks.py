"""Notebooks as modules that can be run: in their place, and out of a bundle."""

from __future__ import annotations

import os
from types import ModuleType

from pyudf._cells import CellLoader, Extracted, Piece, new_module
from pyudf.bundling._analysis import analyse, check
from pyudf.bundling._cache import Unpacked
from pyudf.bundling._document import read_document
from pyudf.bundling._extraction import extract, module_name
from pyudf.bundling._statements import parse


def new_notebook_module(path: str, name: str = "") -> ModuleType:
    """Return a module of what a notebook's app needs, not run yet.

    Args:
        path: The notebook.
        name: The app or function; empty: its one app.

    Raises:
        LoadError: It cannot be read, has no such app, or cannot go as it is.

    Example:
        >>> new_notebook_module("missing.ipynb")
        Traceback (most recent call last):
            ...
        pyudf.errors.LoadError: missing.ipynb: No such file or directory; name a notebook...
    """
    document = read_document(path)
    analysis = analyse(parse(document), name)
    check(analysis)
    cells = {i: cell.text for i, cell in enumerate(document.cells, 1)}
    loader = CellLoader(document.path, document.directory, extract(analysis.taken), cells)
    return new_module(module_name(path), document.path, loader)


def new_packed_module(bundle: Unpacked) -> ModuleType:
    """Return the module of a bundle that was made of a notebook, not run yet.

    Example:
        >>> from pyudf.bundling import unpacked
        >>> new_packed_module(unpacked("missing.pyudf"))
        Traceback (most recent call last):
            ...
        pyudf.errors.LoadError: missing.pyudf: No such file or directory; name a bundle...
    """
    entry = bundle.manifest.entry
    file = os.path.join(bundle.directory, entry.file)
    with open(file, encoding="utf-8") as source:
        text = source.read()
    pieces = tuple(Piece(*piece) for piece in bundle.manifest.sources.get(entry.file, ()))
    loader = CellLoader(entry.target, bundle.directory, Extracted(text, pieces))
    return new_module(entry.module, file, loader)
