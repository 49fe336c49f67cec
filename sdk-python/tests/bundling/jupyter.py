"""Notebooks for tests: written as files, and run from the top as Jupyter does."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

HELPERS = {
    "helpers/__init__.py": "from helpers.inner import shift\n",
    "helpers/inner.py": "from . import deep\n\ndef shift(x):\n    return x + deep.VALUE\n",
    "helpers/deep.py": "VALUE = 40\n",
    "helpers/unused.py": "import no_such_module\n",
    "model.json": '{"mean": 499.5}',
    "codes.json": '{"a": 5}',
    "data/more.json": '{"a": 6}',
}


def cells_of(text: str) -> list[str]:
    """Return the cells of a notebook in the percent format."""
    return [cell.strip("\n") for cell in re.split(r"^# %%\n", text, flags=re.MULTILINE)]


def write_notebook(path: Path, *cells: str, **metadata: Any) -> str:
    """Write a notebook as Jupyter does; a text between cells stands before each."""
    made: list[dict[str, Any]] = []
    for text in cells:
        lines = text.splitlines(keepends=True)
        made.append({"cell_type": "markdown", "metadata": {}, "source": ["# about\n"]})
        cell = {"cell_type": "code", "metadata": {}, "execution_count": 7, "outputs": []}
        made.append({**cell, "source": lines})
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))
    return str(path)


def write_helpers(directory: Path) -> None:
    """Write what notebooks of the corpus import and read."""
    for name, text in HELPERS.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run_all(path: str, cells: list[str], clean: Any) -> ModuleType:
    """Run a notebook as "restart and run all" does, in a module of the name that it will have."""
    module = ModuleType(Path(path).stem + "_notebook")
    module.__file__ = path
    vars(module)["get_ipython"] = lambda: []
    sys.modules[module.__name__] = module
    number, flags = 0, 0
    for text in cells:
        if not text.strip():
            continue
        number += 1
        try:
            compile(text, path, "exec")
            python = text
        except SyntaxError:
            python = clean(text)
        code = compile(python, f"{path}[{number}]", "exec", flags, dont_inherit=True)
        flags |= code.co_flags & 0x1000000  # annotations of __future__ hold for later cells
        exec(code, vars(module))
    return module
