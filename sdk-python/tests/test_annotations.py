"""Annotations are resolved as they stand in notebooks, and import no library."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import pyudf as pu
from pyudf.functions import Container, define
from pyudf.types import FieldType


def cell(source: str, **names: Any) -> SimpleNamespace:
    """Run source as a notebook cell does: in a namespace that is no file's."""
    namespace: dict[str, Any] = {"__name__": "__main__", **names}
    exec(compile(source, "/tmp/ipykernel_7/1.py", "exec"), namespace)
    return SimpleNamespace(**namespace)


def test_annotations_as_text_work_in_a_notebook() -> None:
    made = cell(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "import pandas as pd\n"
        "@dataclass\n"
        "class Reading:\n"
        "    temp_f: float\n"
        "def scalar(temp_f: float, n: int | None) -> float: ...\n"
        "def record(row: Reading) -> list[Reading]: ...\n"
        "def batch(a: pd.Series) -> pd.Series: ...\n"
    )
    assert [p.type for p in define(made.scalar).params] == [FieldType.FLOAT64, FieldType.INT64]
    assert define(made.scalar).id == "__main__:scalar"
    assert define(made.scalar).file == "/tmp/ipykernel_7/1.py"
    assert define(made.record).record_type is made.Reading
    assert define(made.record).result is made.Reading
    assert define(made.batch).container is Container.SERIES


def test_a_class_of_the_calling_function_is_found() -> None:
    class Reading(dict[str, Any]):
        pass

    made = cell("def f(row: 'Alias') -> 'float': ...")
    Alias = dict[str, float]  # noqa: N806, RUF100
    assert define(made.f).record_type == Alias


def test_the_functions_own_module_wins_over_the_callers_names() -> None:
    made = cell("from typing import Any\nRow = dict[str, Any]\ndef f(row: 'Row') -> float: ...")
    Row = float  # noqa: N806, F841, RUF100
    assert define(made.f).record_type == dict[str, Any]


def test_a_syntax_error_in_an_annotation_is_refused_by_name() -> None:
    made = cell("def f(a: 'list[') -> float: ...")
    with pytest.raises(pu.DefinitionError, match=r"f: annotation 'list\[' of a: "):
        define(made.f)


def test_importing_pyudf_and_defining_functions_imports_no_heavy_library() -> None:
    program = (
        "import sys, pyudf as pu\n"
        "app = pu.App('a')\n"
        "def f(x: float) -> float: return x\n"
        "app.topic('t', schema={'x': float}).with_columns(y=f).where(pu.col('y') > 1).to('u')\n"
        "heavy = ['grpc', 'google.protobuf', 'numpy', 'pandas', 'pyarrow', 'pydantic', 'msgspec']\n"
        "assert not [m for m in heavy if m in sys.modules], sys.modules.keys()\n"
        "app.plan()\n"
        "assert not [m for m in heavy if m in sys.modules and m != 'google.protobuf']\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
