"""Objects that were saved go with the modules that their classes are in."""

import bz2
import decimal
import gzip
import importlib.metadata
import lzma
import pickle
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bundling.jupyter import write_notebook
from bundling.shapes import HEAD
from pyudf.bundling import Refused, build
from pyudf.bundling._pickles import modules_of

CELL = (
    "import pickle\nwith open('model.pkl', 'rb') as file:\n    model = pickle.load(file)\n"
    "def f(x: float) -> float:\n    return model.predict(x)\nweather.with_columns(y=f).to('out')"
)


class Scaler:
    """A class of a notebook, as far as its pickle says."""


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_modules_of_classes_are_found_in_every_protocol(protocol: int, home: Path) -> None:
    value = {"a": decimal.Decimal(1), "b": [np.arange(3)] * 2, "c": ["hello", "pandas", "cache"]}
    path = home / "x.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    found = modules_of(str(path))
    assert "decimal" in found
    assert any(module.startswith("numpy") for module in found)
    assert "pandas" not in found


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zlib.compress])
def test_packed_files_are_unpacked(pack: Callable[[bytes], bytes], home: Path) -> None:
    path = home / "x.joblib"
    path.write_bytes(pack(pickle.dumps(decimal.Decimal(1))))
    assert modules_of(str(path)) == ["decimal"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x8c", b"\x8c\xff\x8c\x01a", b"x!", b"BZ", b"\x1f\x8b\x00", bytes(range(256)) * 3],
)
def test_a_file_of_another_kind_has_none(data: bytes, home: Path) -> None:
    (home / "x.pkl").write_bytes(data)
    assert modules_of(str(home / "x.pkl")) == []


def test_what_a_saved_model_needs_is_required(home: Path) -> None:
    (home / "model.pkl").write_bytes(pickle.dumps(np.arange(3)))
    manifest = build(write_notebook(home / "heat.ipynb", HEAD, CELL)).content.manifest
    assert manifest.requirements == (f"numpy=={importlib.metadata.version('numpy')}",)


def test_modules_beside_the_notebook_go_with_a_saved_model(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "models.py").write_text("import helpers\nclass Model:\n    pass\n")
    monkeypatch.syspath_prepend(home)
    import models  # type: ignore[import-not-found] # noqa: PLC0415 - it was only just written

    (home / "model.pkl").write_bytes(pickle.dumps(models.Model()))
    manifest = build(write_notebook(home / "heat.ipynb", HEAD, CELL)).content.manifest
    assert {"models.py", "helpers/__init__.py"} <= {file.path for file in manifest.files}


def test_a_class_of_the_notebook_itself_cannot_be_loaded_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scaler, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Scaler", Scaler, raising=False)
    (home / "model.pkl").write_bytes(pickle.dumps(Scaler()))
    with pytest.raises(Refused, match=r"model.pkl holds something that was defined in the noteb"):
        build(write_notebook(home / "heat.ipynb", HEAD, CELL))
