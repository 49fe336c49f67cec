"""What tests of bundles share: a directory of their own, and modules as before."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pyudf as pu
from bundling.jupyter import write_helpers


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in an empty directory; afterwards modules and path are as before."""
    path, modules = list(sys.path), set(sys.modules)
    monkeypatch.setenv("PYUDF_CACHE_DIR", str(tmp_path / "cache"))
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a directory with the modules and files of the corpus."""
    directory = tmp_path / "home"
    directory.mkdir()
    write_helpers(directory)
    return directory


@pytest.fixture
def exploring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let apps and streams be looked at as in a notebook."""

    def nothing(*_: Any, **__: Any) -> dict[str, list[Any]]:
        return {"out": []}

    monkeypatch.setattr(pu.App, "replay", nothing, raising=False)
    for name in ("show", "head"):
        monkeypatch.setattr(pu.Stream, name, nothing, raising=False)
