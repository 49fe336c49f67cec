"""Notebooks and bundles are loaded as files are, and what goes wrong names cell and line."""

import contextlib
import os
import sys
import traceback
from pathlib import Path

import pytest

import pyudf as pu
from bundling.jupyter import write_notebook
from bundling.shapes import HEAD
from pyudf._worker.serve import _parser as parser
from pyudf._worker.serve import describe
from pyudf.bundling import build, write_bundle
from pyudf.loading import content_hash, home_of, load, load_function

FAULTY = (
    HEAD,
    "print('exploring')\n\n@app.udf(\n    weather,\n    to='out', column='y')\n"
    "def f(x: float) -> float:\n    y = x\n    return deeper(y)",
    "junk = 1\n\ndef deeper(x):\n    '''About it.'''\n    a = 1; return 1 / (x - a)",
)


def bundled(target: str, directory: Path) -> str:
    bundle = build(target)
    path = str(directory / bundle.file_name)
    write_bundle(bundle.content, path)
    return path


def forget() -> None:
    for name in [n for n in sys.modules if n.endswith("_notebook")]:
        del sys.modules[name]


@pytest.mark.parametrize("packed", [False, True])
def test_a_traceback_has_the_lines_of_the_cells(packed: bool, home: Path) -> None:
    path = write_notebook(home / "heat.ipynb", *FAULTY)
    app = load(bundled(path, home) if packed else path)
    with pytest.raises(ZeroDivisionError) as raised:
        next(iter(app.functions().values())).call(1.0)
    frames = traceback.extract_tb(raised.tb)[1:]
    where = [(os.path.basename(f.filename), f.lineno, f.line) for f in frames]
    assert where == [
        ("heat.ipynb[2]", 8, "return deeper(y)"),
        ("heat.ipynb[3]", 5, "a = 1; return 1 / (x - a)"),
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_an_error_while_loading_names_the_cell(packed: bool, home: Path) -> None:
    path = write_notebook(home / "heat.ipynb", HEAD, "\nK = {}['gone']\nweather.to(K)")
    with pytest.raises(pu.LoadError) as raised:
        load(bundled(path, home) if packed else path)
    assert raised.value.message.endswith("heat.ipynb, cell 2, line 2: KeyError: 'gone'")
    assert "K = {}['gone']" in raised.value.traceback
    assert "bundling" not in raised.value.traceback.replace("test_bundling", "")
    assert "heat_notebook" not in sys.modules


def test_a_definition_error_names_the_cell(home: Path) -> None:
    path = write_notebook(
        home / "heat.ipynb", HEAD, "app.topic('weather').to('out')\nweather.to('a')"
    )
    with pytest.raises(pu.LoadError, match=r"cell 2, line 1: topic 'weather' is already read, at"):
        load(path)


def test_the_hash_of_a_notebook_is_that_of_what_runs(home: Path) -> None:
    cells = (HEAD, "from helpers import shift\ndef f(x: float) -> float:\n    return shift(x)")
    tail = "weather.with_columns(y=f).to('out')"
    first = content_hash(load(write_notebook(home / "heat.ipynb", *cells, tail)))
    forget()
    mixed = content_hash(load(write_notebook(home / "heat.ipynb", "1 + 1", *cells, "2", tail)))
    assert mixed == first
    forget()
    other = content_hash(load(write_notebook(home / "heat.ipynb", *cells, tail + "; K = f")))
    assert other == first
    forget()
    changed = (cells[0], cells[1] + " + 1", tail)
    assert content_hash(load(write_notebook(home / "heat.ipynb", *changed))) != first


def test_the_hash_of_a_bundle_is_the_same_wherever_it_is_unpacked(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bundled(write_notebook(home / "heat.ipynb", *FAULTY), home)
    first = content_hash(load(path))
    forget()
    monkeypatch.setenv("PYUDF_CACHE_DIR", str(tmp_path / "another"))
    assert content_hash(load(path)) == first


def test_a_function_of_a_notebook_runs_by_its_name(home: Path) -> None:
    text = "K = 3\n\ndef f(x: float) -> float:\n    return x * K\nprint(1)"
    path = write_notebook(home / "features.ipynb", text)
    for target in (path, bundled(f"{path}:f", home)):
        app = load_function(f"{target}:f", source="weather", to="out", column="y")
        assert next(iter(app.functions().values())).call(2.0) == 6.0
        assert str(app.defined_at).endswith("features.ipynb, cell 1, line 3")
        forget()


def test_a_bundle_of_a_function_says_what_it_lacks(home: Path) -> None:
    path = bundled(
        f"{write_notebook(home / 'f.ipynb', 'def f(x: float) -> float: return x')}:f", home
    )
    with pytest.raises(pu.LoadError, match=r"is a bundle of the function f; say what it reads and"):
        load(path)


@pytest.mark.parametrize("kind", ["file", "package"])
def test_bundles_of_files_and_packages_are_loaded(kind: str, home: Path) -> None:
    text = (
        HEAD + "from pathlib import Path\nK = Path('codes.json').read_text()\nweather.to('out')\n"
    )
    if kind == "file":
        (home / "heat_app.py").write_text(text)
        target = home / "heat_app.py"
    else:
        (home / "heating").mkdir()
        (home / "heating" / "__init__.py").write_text("")
        (home / "heating" / "app.py").write_text(text)
        target = home / "heating"
    app = load(bundled(str(target), home))
    assert app.name == "heat"
    assert str(home) not in app.defined_at.file


def test_a_package_that_fails_shows_the_users_own_lines(home: Path) -> None:
    (home / "heating").mkdir()
    (home / "heating" / "__init__.py").write_text("x = 1\n1 / 0\n")
    (home / "heating" / "app.py").write_text(HEAD)
    with pytest.raises(pu.LoadError, match=r"__init__.py:2: ZeroDivisionError"):
        load(str(home / "heating"))


def test_code_runs_where_it_lies_and_the_callers_directory_stays(home: Path) -> None:
    text = "from pathlib import Path\nK = Path('codes.json').read_text()\nweather.to(K[2])"
    path = write_notebook(home / "heat.ipynb", HEAD, text)
    before = os.getcwd()
    load(path)
    assert os.getcwd() == before
    assert home_of(path) == str(home)
    packed = home_of(bundled(path, home))
    assert packed is not None
    assert Path(packed, "codes.json").exists()


def test_a_worker_describes_a_notebook_and_a_bundle_alike(home: Path) -> None:
    path = write_notebook(home / "heat.ipynb", *FAULTY)
    one, _ = describe(parser().parse_args([path]))
    forget()
    two, works = describe(parser().parse_args([bundled(path, home)]))
    assert not two.HasField("error")
    assert list(works) == ["heat_notebook:f"]
    assert [s.id for s in one.plan.steps] == [s.id for s in two.plan.steps]
    assert two.plan.functions[0].defined_at.file == "heat.ipynb[2]"


def test_what_a_worker_cannot_load_it_says_in_full(home: Path) -> None:
    path = write_notebook(
        home / "heat.ipynb", HEAD, "K = input()\nL = get_ipython()\nweather.to(K + L)"
    )
    description, _ = describe(parser().parse_args([path]))
    assert description.error.message.count("cell 2, line ") == 2
    assert description.error.traceback == ""


def test_a_module_of_the_name_of_the_notebook_can_be_imported(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "heat", raising=False)  # that of an example
    (home / "heat.py").write_text("def f(x: float) -> float:\n    return x\n")
    cell = "from heat import f\nweather.with_columns(y=f).to('out')"
    with contextlib.chdir(home):
        assert load(write_notebook(home / "heat.ipynb", HEAD, cell)).functions().keys() == {
            "heat:f"
        }
