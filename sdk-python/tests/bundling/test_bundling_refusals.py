"""What cannot go as it is is refused at once, with the cell, the line and the fix."""

import re
from pathlib import Path

import pytest

import pyudf as pu
from bundling.jupyter import write_notebook
from bundling.shapes import HEAD
from pyudf.bundling import Refused, build
from pyudf.loading import load

TAIL = "weather.with_columns(y=f).to('out')"
ABSENT = "no module '(requests|sqlalchemy)'"

REFUSED = {
    "import sqlite3\nconn = sqlite3.connect('x.db')\n"
    "def f(x: float) -> float:\n    return conn.execute('select 1')": (
        r"cell 2, line 2: conn is live \(sqlite3.connect\) and the function at .*cell 2, line 3 "
        r"uses it: a connection of this process cannot travel; open it in the function"
    ),
    "import sqlalchemy as sa\nengine = sa.create_engine('sqlite://')\nlink = engine.connect()\n"
    "def f(x: float) -> float:\n    return link.execute(x)": (
        r"line 3: link is live \(sqlalchemy.create_engine\)"
    ),
    "from requests import Session\nwith_session = Session()\n"
    "def f(x: float) -> float:\n    return with_session.get('http://x').json()": (
        r"line 2: with_session is live \(requests.Session\)"
    ),
    "log = open('log.txt', 'a')\ndef f(x: float) -> float:\n    log.write('x')\n    return x": (
        r"line 1: log is live \(open\)"
    ),
    "def f(x: float) -> float:\n    return float(input('x?'))": (
        r"line 2: input\(\) waits for a person, and in production there is none; write the value"
    ),
    "K = input('rate? ')\ndef f(x: float) -> float:\n    return K": (
        r"cell 2, line 1: input\(\) waits"
    ),
    "K = open('/etc/hostname').read()\ndef f(x: float) -> float:\n    return K": (
        r"cell 2, line 1: the path '/etc/hostname' is outside of the bundle; copy it beside the "
        r"notebook and write the path relative to it"
    ),
    "from pathlib import Path\nP = Path('..') / 'x.csv'\ndef f(x: float) -> str:\n"
    "    return P.read_text()": r"line 4: the path '../x.csv' is outside of the bundle",
    "K = open('nothing.csv').read()\ndef f(x: float) -> float:\n    return K": (
        r"line 1: there is no file 'nothing.csv' beside the notebook; put it there"
    ),
    "files = !ls\ndef f(x: float) -> float:\n    return len(files)": (
        r"cell 2, line 1: 'files = !ls' is for IPython only, and the app needs what it does"
    ),
    "%%time\nK = 5\ndef f(x: float) -> float:\n    return K": (
        r"cell 2, line 1: '%%time' takes the whole cell to IPython, and the app needs something"
    ),
    "%time K = 5\ndef f(x: float) -> float:\n    return K": (
        r"line 1: '%time K = 5' is for IPython only"
    ),
    "K = get_ipython().user_ns\ndef f(x: float) -> float:\n    return K": (
        r"line 1: only a notebook has get_ipython; leave out what needs IPython"
    ),
    "def f(x: float) -> float:\n    display(x)\n    return x": (
        r"line 2: only a notebook has display; .* from IPython.display import display"
    ),
    "async def compute(): pass\nK = await compute()\ndef f(x: float) -> float:\n    return K": (
        r"line 2: await outside of a function works in a notebook only; write asyncio.run"
    ),
    "def f(x: float) -> float:\n    return x * RATE": (
        r"cell 2, line 1: nothing defines RATE; write a cell that does"
    ),
    "K = later(1)\ndef later(x):\n    return x\ndef f(x: float) -> float:\n    return K": (
        r"line 1: later is used before it is defined, at .*cell 2, line 2; move the cell"
    ),
    "import no_such_module\ndef f(x: float) -> float:\n    return no_such_module.f(x)": (
        r"line 1: there is no module 'no_such_module' beside it, nor in the Python environment of"
    ),
    "import pandas as pd\ndf = pd.read_csv('big.csv')\nclass M:\n    def fit(self, X): pass\n"
    "model = M()\nmodel.fit(df)\ndef f(x: float) -> float:\n    return model.predict(x)": (
        r"line 2: big.csv has 12.0 MB, and a file may have 10.0 MB; if a model is fitted to it, "
        r"save the model with joblib.dump\(model, 'model.joblib'\)"
    ),
    "from compiled import g\ndef f(x: float) -> float:\n    return g(x)": (
        r"line 1: compiled.cpython-\S+ is compiled for this machine"
    ),
    "from waits import g\ndef f(x: float) -> float:\n    return g(x)": (
        r"waits.py:1: input\(\) waits for a person"
    ),
    "from broken import g\ndef f(x: float) -> float:\n    return g(x)": (
        r"broken.py:2: SyntaxError: .*: def g\(:; mend the line"
    ),
    "K = open('link.txt').read()\ndef f(x: float) -> float:\n    return K": (
        r"line 1: link.txt is a link to a place outside of the bundle; put a copy"
    ),
}


@pytest.fixture
def notebooks(home: Path, tmp_path: Path) -> Path:
    (home / "big.csv").write_bytes(b"x" * 12_000_000)
    (home / "waits.py").write_text("K = input()\n\ndef g(x):\n    return input()\n")
    (home / "broken.py").write_text("x = 1\ndef g(:\n    pass\n")
    (home / "compiled.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    (tmp_path / "secret.txt").write_text("x")
    (home / "link.txt").symlink_to(tmp_path / "secret.txt")
    return home


@pytest.mark.parametrize("cell", REFUSED)
def test_a_fault_names_cell_line_and_fix(cell: str, notebooks: Path) -> None:
    path = write_notebook(notebooks / "heat.ipynb", HEAD, cell, TAIL)
    with pytest.raises(Refused) as raised:
        build(path)
    # Libraries that are not installed here are another fault.
    said = [str(f) for f in raised.value.faults if not re.search(ABSENT, f.what)]
    assert len(said) == 1, raised.value
    assert re.search(REFUSED[cell], said[0]), raised.value


def test_all_faults_are_said_at_once_in_their_order(home: Path) -> None:
    path = write_notebook(
        home / "heat.ipynb",
        HEAD + "import sqlite3",
        "conn = sqlite3.connect(':memory:')\nK = input()",
        "def f(x: float) -> float:\n    return conn.execute(K + open('/etc/passwd').read() + GONE)",
        TAIL,
    )
    with pytest.raises(Refused) as raised:
        build(path)
    places = [re.sub(".*ipynb, ", "", str(f.origin)) for f in raised.value.faults]
    assert places == ["cell 2, line 1", "cell 2, line 2", "cell 3, line 1", "cell 3, line 2"]


def test_a_notebook_that_does_not_parse_says_where(home: Path) -> None:
    path = write_notebook(home / "heat.ipynb", HEAD, "x = (1\ny = 2", "%ls\ndef g(:\n  pass")
    with pytest.raises(pu.LoadError) as raised:
        load(path)
    assert raised.value.message.splitlines() == [
        f"{path} cannot go as it is:",
        f"{path}, cell 2, line 1: SyntaxError: '(' was never closed: x = (1; mend the line, or "
        "delete the cell",
        f"{path}, cell 3, line 2: SyntaxError: invalid syntax: def g(:; mend the line, or delete "
        "the cell",
    ]


def test_a_connection_that_is_used_at_once_only_may_go(home: Path) -> None:
    path = write_notebook(
        home / "heat.ipynb",
        HEAD + "import sqlite3\nconn = sqlite3.connect(':memory:')\n"
        "K = conn.execute('select 2').fetchone()[0]",
        "def f(x: float) -> float:\n    return K",
        TAIL,
    )
    build(path)


def test_a_connection_that_is_opened_in_a_function_may_go(home: Path) -> None:
    path = write_notebook(
        home / "heat.ipynb",
        HEAD + "import functools, sqlite3",
        "@functools.cache\ndef connection():\n    return sqlite3.connect(':memory:')",
        "def f(x: float) -> float:\n    return connection().execute('select 2')",
        TAIL,
    )
    build(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no notebook: it is not JSON"),
        ("[]", "is no notebook: its JSON has no nbformat"),
        ('{"nbformat": 4, "cells": []}', "has no cell with code; write the app in it"),
        (
            '{"nbformat": 4, "metadata": {"kernelspec": {"language": "julia"}}, "cells": []}',
            "is a notebook of 'julia'; pyudf runs Python",
        ),
    ],
)
def test_what_is_no_notebook_is_refused(content: str, sentence: str, home: Path) -> None:
    (home / "heat.ipynb").write_text(content)
    with pytest.raises(pu.LoadError, match=re.escape(sentence)):
        build(str(home / "heat.ipynb"))


def test_a_notebook_without_an_app_or_with_several_asks_for_one(home: Path) -> None:
    path = write_notebook(home / "none.ipynb", "x = 1")
    with pytest.raises(pu.LoadError, match=r"defines no app; write app = pu.App"):
        build(path)
    path = write_notebook(
        home / "two.ipynb", "import pyudf as pu\na = pu.App('a')\nb = pu.App('b')\nx = 1"
    )
    with pytest.raises(pu.LoadError, match=r"defines several apps; name the one that goes: .*:a, "):
        build(path)
    with pytest.raises(pu.LoadError, match=r"defines no app 'c'; known apps: a, b"):
        build(f"{path}:c")
    with pytest.raises(pu.LoadError, match=r"x is no app; name what pu.App\(...\) is assigned to"):
        build(f"{path}:x")


@pytest.mark.parametrize("target", ["gone.ipynb", "gone.py", "gone", "gone.txt", "gone.pyudf"])
def test_a_target_that_is_not_there_is_refused(target: str) -> None:
    with pytest.raises(pu.LoadError, match=r"there is no file|is nothing that can be bundled"):
        build(target)
