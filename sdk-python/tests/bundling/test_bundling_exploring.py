"""What people do to explore changes nothing of what goes."""

import random
from pathlib import Path

import pytest

from bundling.jupyter import cells_of, write_notebook
from bundling.shapes import HEAD, SHAPES
from pyudf.bundling import build

EXPLORING = (
    "print('hello')",
    "%matplotlib inline",
    "!ls -l\nzz_files = !ls",
    "1 + 1",
    "# a thought",
    "",
    "import matplotlib.pyplot as zz_plt\nzz_plt.plot([1, 2])\nzz_plt.show()",
    "zz = [1, 2]\nzz.append(3)\nzz",
    "%%bash\nls",
    "%%time\nzz_slow = sum(range(10))",
    "for zz_i in range(3):\n    print(zz_i)",
    "try:\n    import zz_nothing\nexcept ImportError:\n    pass",
    "def zz_helper(x):\n    return zz_unknown(x)\nzz_helper",
    "zz_frame = __import__('pandas').DataFrame({'a': [1]})\nzz_frame['b'] = 2\nzz_frame.head()",
    "input('go on?')",
    "zz_connection = __import__('sqlite3').connect(':memory:')",
    "zz_text = open('/etc/hostname').read()\nzz_text",
    "print?",
    "display(zz_frame)",
    "await zz_something()",
)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", SHAPES)
def test_exploring_cells_anywhere_change_nothing_but_places(
    shape: str, seed: int, home: Path
) -> None:
    cells = cells_of(SHAPES[shape])
    plain = build(write_notebook(home / "heat.ipynb", *cells)).content
    draw = random.Random(f"{shape} {seed}")
    for _ in range(6):
        cells.insert(draw.randint(0, len(cells)), draw.choice(EXPLORING))
    mixed = build(write_notebook(home / "heat.ipynb", *cells)).content
    assert mixed.files == plain.files
    assert mixed.manifest.content_hash == plain.manifest.content_hash


@pytest.mark.parametrize("shape", SHAPES)
def test_a_notebook_in_another_directory_has_the_same_hash(
    shape: str, home: Path, tmp_path: Path
) -> None:
    cells = cells_of(SHAPES[shape])
    first = build(write_notebook(home / "heat.ipynb", *cells))
    home.rename(tmp_path / "elsewhere")
    second = build(str(tmp_path / "elsewhere" / "heat.ipynb"))
    assert second.file_name == first.file_name
    assert second.content.manifest.hash == first.content.manifest.hash


def taken(home: Path, *cells: str) -> list[str]:
    bundle = build(write_notebook(home / "heat.ipynb", *cells))
    return [part.text for part in bundle.parts if part.taken]


def reasons(home: Path, *cells: str) -> dict[str, str]:
    bundle = build(write_notebook(home / "heat.ipynb", *cells))
    return {part.text: part.reason for part in bundle.parts if not part.taken}


TAIL = "weather.with_columns(y=f).to('out')"


def test_a_table_that_is_looked_at_stays_behind(home: Path) -> None:
    text = taken(
        home,
        HEAD + "import pandas as pd",
        "df = pd.read_csv('weather.csv')\ndf['c'] = df.f / 2",
        "df.head()\ndf.plot()\npd.set_option('display.max_rows', 5)",
        "def f(x: float) -> float:\n    return x\n" + TAIL,
        "df['y'] = [f(x) for x in df.f]\napp.replay({'weather': df})['out']",
    )
    assert text == [
        "import pyudf as pu",
        'app = pu.App("heat")',
        'weather = app.topic("weather", key="station")',
        "def f(x: float) -> float:",
        TAIL,
    ]


def test_what_comes_after_the_last_use_at_once_stays_behind(home: Path) -> None:
    text = taken(
        home,
        HEAD + "data = [1, 2]\nmean = sum(data) / 2",
        "data.append(100)\nx = data",
        "def f(x: float) -> float:\n    return x - mean\n" + TAIL,
    )
    assert "data = [1, 2]" in text
    assert "data.append(100)" not in text


def test_only_the_named_app_goes(home: Path) -> None:
    path = write_notebook(
        home / "two.ipynb",
        "import pyudf as pu\none = pu.App('one')\ntwo = pu.App('two')",
        "a = one.topic('a')\na.to('a1')",
        "b = two.topic('b')\nb.to('b1')",
    )
    texts = [part.text for part in build(f"{path}:two").parts if part.taken]
    assert texts == [
        "import pyudf as pu",
        "two = pu.App('two')",
        "b = two.topic('b')",
        "b.to('b1')",
    ]


def test_a_single_function_goes_with_what_it_needs(home: Path) -> None:
    path = write_notebook(
        home / "f.ipynb", "K = 2\nL = 3", "def f(x: float) -> float:\n    return K"
    )
    bundle = build(f"{path}:f")
    assert [part.text for part in bundle.parts if part.taken] == [
        "K = 2",
        "def f(x: float) -> float:",
    ]
    assert bundle.content.manifest.entry.function
    assert bundle.file_name.startswith("f-")


def test_every_part_has_a_reason(home: Path) -> None:
    cells = (
        HEAD,
        "%matplotlib inline\nimport math\nK = 1\nprint(K)",
        "def f(x: float) -> float:\n    return K",
        "K = 2\ncold = weather.where(pu.col('t') < 0)",
        TAIL + "\nif __name__ == '__main__':\n    f(1.0)",
    )
    assert reasons(home, *cells) == {
        "%matplotlib inline": "a magic of IPython",
        "import math": "nothing that goes uses math",
        "K = 1": "K is defined again further down",
        "print(K)": "it shows something, and changes nothing that goes",
        "cold = weather.where(pu.col('t') < 0)": "nothing of it is written anywhere",
        "if __name__ == '__main__':": "it runs in a notebook or a script only",
    }
    bundle = build(str(home / "heat.ipynb"))
    assert {part.text: part.reason for part in bundle.parts if part.taken} == {
        "import pyudf as pu": "cell 1, line 3 needs pu",
        'app = pu.App("heat")': "it is the app",
        'weather = app.topic("weather", key="station")': "cell 5, line 1 needs weather",
        "def f(x: float) -> float:": "cell 5, line 1 needs f",
        "K = 2": "cell 3, line 1 needs K",
        TAIL: "the app writes there",
    }


@pytest.mark.parametrize("order", [1, -1])
def test_long_chains_of_functions_are_followed(order: int, home: Path) -> None:
    functions = ["def h0(table):\n    table['x'] = 1"]
    functions += [f"def h{i}(table):\n    h{i - 1}(table)" for i in range(1, 400)]
    cell = "def f(x: float) -> float:\n    return codes['x']\n" + TAIL
    text = taken(home, HEAD, *functions[::order], "codes = {}\ndone = h399(codes)", cell)
    assert "done = h399(codes)" in text
    assert len(text) == 400 + 7
