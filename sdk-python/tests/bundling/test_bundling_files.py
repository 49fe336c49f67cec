"""Modules and files that code needs go with it; the rest of the directory stays."""

from pathlib import Path

import pytest

from bundling.jupyter import write_notebook
from bundling.shapes import HEAD
from pyudf import bundling
from pyudf.bundling import Refused, build
from pyudf.loading import load

TAIL = "weather.with_columns(y=f).to('out')"
USE = "def f(x: float) -> float:\n    return use(x)\n" + TAIL


def files(home: Path, cell: str, **options: object) -> set[str]:
    path = write_notebook(home / "heat.ipynb", HEAD, cell + "\n" + USE)
    found = {f.path for f in build(path, **options).content.manifest.files}  # type: ignore[arg-type]
    return found - {"heat_notebook.py"}


READ = {
    "open('data/more.json')": {"data/more.json"},
    "open('./data/../data/more.json', 'r')": {"data/more.json"},
    "open(mode='w', file='codes.json')": set(),
    "open('codes.json', 'w')": set(),
    "pd.read_json('codes.json')": {"codes.json"},
    "pd.read_csv(filepath_or_buffer='codes.json')": {"codes.json"},
    "pd.read_csv('https://example.org/x.csv')": set(),
    "joblib.load(DATA / 'more.json')": {"data/more.json"},
    "joblib.load(f'{NAME}/more.json')": {"data/more.json"},
    "np.load(os.path.join(NAME, 'more' + '.json'))": {"data/more.json"},
    "DATA.joinpath('more.json').read_bytes()": {"data/more.json"},
    "(DATA / 'more.json').open()": {"data/more.json"},
    "(Path(__file__).resolve().parent / 'codes.json').read_text()": {"codes.json"},
    "(Path.cwd() / 'codes.json').read_text()": {"codes.json"},
    "list(DATA.glob('*.json'))": {"data/more.json", "data/most.json"},
    "list(Path('.').rglob('mos*.json'))": {"data/most.json"},
    "glob.glob('data/m*t.json')": {"data/most.json"},
    "os.listdir(NAME)": {"data/more.json", "data/most.json"},
    "pq.read_table('data')": {"data/more.json", "data/most.json"},
    "sqlite3.connect('codes.json').close()": {"codes.json"},
    "print('codes.json')": set(),
    "app.file('codes.json', format='json')": set(),
}


@pytest.mark.parametrize("code", READ)
def test_the_files_that_constants_name_go(code: str, home: Path) -> None:
    (home / "data/most.json").write_text("1")
    cell = (
        "import glob, os, sqlite3\nfrom pathlib import Path\nimport numpy as np\n"
        "import pandas as pd\nimport joblib_ as joblib, pq_ as pq\n"
        f"NAME = 'data'\nDATA = Path(NAME)\ndef use(x):\n    return {code}"
    )
    for name in ("joblib_", "pq_"):
        (home / f"{name}.py").write_text("load = read_table = None\n")
    assert files(home, cell) - {"joblib_.py", "pq_.py"} == READ[code]


def test_modules_go_with_what_they_import_and_read(home: Path) -> None:
    (home / "pkg" / "sub").mkdir(parents=True)
    (home / "pkg" / "__init__.py").write_text("")
    (home / "pkg" / "data.txt").write_text("1")
    (home / "pkg" / "other.py").write_text("")
    (home / "pkg" / "sub" / "__init__.py").write_text("from ..tools import tool\n")
    (home / "pkg" / "tools.py").write_text(
        "from pathlib import Path\nimport json\nimport late\n"
        "tool = (Path(__file__).parent / 'data.txt').read_text()\n"
        "if __name__ == '__main__':\n    import other_nothing\n    input()\n"
    )
    (home / "late.py").write_text("def run():\n    import later\n    return input()\n")
    (home / "later.py").write_text("")
    assert files(home, "from pkg import sub\ndef use(x):\n    return sub.tool") == {
        "late.py",
        "later.py",
        "pkg/__init__.py",
        "pkg/data.txt",
        "pkg/sub/__init__.py",
        "pkg/tools.py",
    }


def test_a_directory_that_is_added_to_the_path_is_searched(home: Path) -> None:
    (home / "src").mkdir()
    (home / "src" / "mine.py").write_text("def use(x):\n    return x\n")
    assert files(home, "import sys\nsys.path.append('src')\nfrom mine import use") == {
        "src/mine.py"
    }
    (home.parent / "far.py").write_text("def use(x):\n    return x\n")
    with pytest.raises(Refused, match=r"the module far is in .., outside of the bundle; copy it"):
        files(home, "import sys\nsys.path.insert(0, '..')\nfrom far import use")


def test_what_is_named_by_hand_goes_too(home: Path) -> None:
    cell = "def use(x):\n    return x"
    extra = [str(home / "data"), str(home / "codes.json")]
    assert files(home, cell, extra=extra) == {"data/more.json", "codes.json"}
    with pytest.raises(Refused, match=r"--with .*/gone: there is no such file"):
        files(home, cell, extra=[str(home / "gone")])
    with pytest.raises(Refused, match=r"is outside of the bundle"):
        files(home, cell, extra=["/etc/hostname"])


def test_the_limit_for_files_can_be_raised(home: Path) -> None:
    cell = "def use(x):\n    return open('codes.json')"
    with pytest.raises(Refused, match=r"codes.json has 8 B, and a file may have 4 B"):
        files(home, cell, max_file=4)


def test_a_file_goes_as_it_is_with_its_modules(home: Path) -> None:
    (home / "heat.py").write_text(
        HEAD + "from helpers import shift\ndef f(x: float) -> float:\n    return shift(x)\n" + TAIL
    )
    bundle = build(str(home / "heat.py"))
    manifest = bundle.content.manifest
    assert manifest.entry.kind == "file"
    assert [f.path for f in manifest.files] == [
        "heat.py",
        "helpers/__init__.py",
        "helpers/deep.py",
        "helpers/inner.py",
    ]
    assert bundle.content.files["heat.py"] == (home / "heat.py").read_bytes()


def test_a_function_of_a_file_that_waits_for_a_person_matters_only_if_it_is_used(
    home: Path,
) -> None:
    text = HEAD + "def ask():\n    return input()\ndef f(x: float) -> float:\n    return x\n" + TAIL
    (home / "heat.py").write_text(text)
    build(str(home / "heat.py"))
    (home / "heat.py").write_text(text.replace("return x", "return ask()"))
    with pytest.raises(Refused, match=r"heat.py:6: input\(\) waits"):
        build(str(home / "heat.py"))


def test_a_package_goes_by_its_directory_or_its_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "heating").mkdir()
    (home / "heating" / "__init__.py").write_text("RATE = 2\n")
    (home / "heating" / "steps.py").write_text("def f(x: float) -> float:\n    return x\n")
    (home / "heating" / "unused.py").write_text("")
    (home / "heating" / "app.py").write_text(HEAD + "from .steps import f\n" + TAIL)
    monkeypatch.chdir(home)
    bundle = build("heating")
    assert [f.path for f in bundle.content.manifest.files] == [
        "heating/__init__.py",
        "heating/app.py",
        "heating/steps.py",
    ]
    assert build("heating.app").content.manifest.hash == bundle.content.manifest.hash
    assert load("heating").name == "heat"
    with pytest.raises(Exception, match=r"is no package: it has no __init__.py"):
        build("data")


def test_a_function_of_a_file_goes_without_an_app(home: Path) -> None:
    (home / "features.py").write_text(
        "from helpers import shift\ndef heat_index(x: float) -> float:\n    return shift(x)\n"
    )
    bundle = build(f"{home / 'features.py'}:heat_index")
    assert bundle.file_name.startswith("heat_index-")
    assert bundle.content.manifest.entry.function
    assert len(bundle.content.files) == 4


def test_every_public_name_has_an_example() -> None:
    for name in bundling.__all__:
        assert "Example:" in (getattr(bundling, name).__doc__ or ""), name
