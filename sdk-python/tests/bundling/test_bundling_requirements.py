"""What has to be installed is what the project says, else what is imported, as it is installed."""

import importlib.metadata
from pathlib import Path

import pytest

import pyudf as pu
from bundling.jupyter import write_notebook
from bundling.shapes import HEAD
from pyudf.bundling import Refused, build

TAIL = "weather.with_columns(y=f).to('out')"
CELL = f"import numpy as np\ndef f(x: float) -> float:\n    return float(np.sin(x))\n{TAIL}"
NUMPY = f"numpy=={importlib.metadata.version('numpy')}"

LOCK = """
version = 1
[[package]]
name = "heating"
source = { virtual = "." }
dependencies = [
    { name = "numpy" },
    { name = "tool", extra = ["fast"] },
    { name = "winning", marker = "sys_platform == 'win32'" },
]
[[package]]
name = "numpy"
version = "2.0.1"
source = { registry = "https://example.org/simple" }
[[package]]
name = "tool"
version = "1.0"
source = { registry = "https://example.org/simple" }
dependencies = [{ name = "shared" }]
[package.optional-dependencies]
fast = [{ name = "quick" }]
[[package]]
name = "quick"
version = "3"
source = { git = "https://example.org/quick?tag=v3#0123abc" }
[[package]]
name = "shared"
version = "0.5"
source = { registry = "https://example.org/simple" }
[[package]]
name = "winning"
version = "7"
source = { registry = "https://example.org/simple" }
dependencies = [{ name = "shared" }, { name = "deeper" }]
[[package]]
name = "deeper"
version = "8"
source = { registry = "https://example.org/simple" }
[[package]]
name = "nobodys"
version = "9"
source = { registry = "https://example.org/simple" }
"""


def requirements(home: Path, cell: str = CELL, **options: str) -> tuple[str, ...]:
    path = write_notebook(home / "notebooks" / "heat.ipynb", HEAD, cell)
    return build(path, requirements=options.get("requirements")).content.manifest.requirements


def test_without_a_project_it_is_what_is_imported(home: Path) -> None:
    assert requirements(home) == (NUMPY,)
    assert requirements(home, CELL.replace("import numpy", "import json\nimport numpy")) == (NUMPY,)


def test_what_is_imported_while_exploring_is_not_required(home: Path) -> None:
    cell = f"import pandas as pd\npd.DataFrame()\ndef f(x: float) -> float:\n    return x\n{TAIL}"
    assert requirements(home, cell) == ()


def test_the_package_of_a_module_with_another_name_is_found(home: Path) -> None:
    cell = CELL.replace("numpy", "google.protobuf.message")
    assert requirements(home, cell) == (f"protobuf=={importlib.metadata.version('protobuf')}",)


def test_a_project_says_it_for_all_its_directories(home: Path) -> None:
    (home / "pyproject.toml").write_text(
        "[project]\nname = 'x'\ndependencies = ['NumPy >= 2.1, <3', 'pyudf', "
        "\"Some.Tool[B,a] ; python_version > '3'\"]\n"
    )
    assert requirements(home) == ("numpy<3,>=2.1", "some-tool[a,b] ; python_version > '3'")


def test_what_a_project_does_not_list_is_added_with_a_note(home: Path) -> None:
    (home / "pyproject.toml").write_text("[project]\nname = 'x'\ndependencies = ['tool>1']\n")
    bundle = build(write_notebook(home / "heat.ipynb", HEAD, CELL))
    assert bundle.content.manifest.requirements == (NUMPY, "tool>1")
    assert bundle.requirements.notes[0].endswith("pyproject.toml does not list it")


def test_what_a_listed_package_needs_itself_is_not_listed_again(home: Path) -> None:
    (home / "requirements.txt").write_text("pandas\n")
    path = write_notebook(home / "heat.ipynb", HEAD, CELL)
    assert build(path).content.manifest.requirements == ("pandas",)


def test_a_lock_gives_exact_versions_with_their_conditions(home: Path) -> None:
    (home / "pyproject.toml").write_text("[project]\nname = 'x'\ndependencies = ['numpy']\n")
    (home / "uv.lock").write_text(LOCK)
    assert requirements(home) == (
        "deeper==8 ; sys_platform == 'win32'",
        "numpy==2.0.1",
        "quick @ git+https://example.org/quick@0123abc",
        "shared==0.5",
        "tool==1.0",
        "winning==7 ; sys_platform == 'win32'",
    )


def test_a_list_may_be_long_winded(home: Path) -> None:
    (home / "notebooks").mkdir()
    (home / "notebooks" / "requirements.txt").write_text(
        "# tools\n--index-url https://example.org/simple\nnumpy==2.0.1 \\\n"
        "    --hash=sha256:abc  # pinned\n\n-r more.txt\n"
    )
    (home / "notebooks" / "more.txt").write_text("Other_Tool ~= 1.0\n")
    assert requirements(home) == ("numpy==2.0.1", "other-tool~=1.0")


def test_a_list_can_be_named(home: Path) -> None:
    (home / "pyproject.toml").write_text("[project]\nname = 'x'\ndependencies = ['numpy<1']\n")
    (home / "mine.txt").write_text("numpy>2\n")
    assert requirements(home, requirements=str(home / "mine.txt")) == ("numpy>2",)
    with pytest.raises(pu.LoadError, match=r"gone.txt: No such file or directory; name a file"):
        requirements(home, requirements=str(home / "gone.txt"))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("-e .", "line 1: '-e .' is a directory of this machine; give it a version that can be"),
        ("./wheels/x.whl", "'./wheels/x.whl' is a directory of this machine"),
        ("tool @ file:///x", "names nothing that other machines can install"),
        ("tool @ https://me:pw@example.org/x", "has a user or a password in its address; leave"),
        ("!!!", "'!!!' names nothing that other machines can install"),
    ],
)
def test_what_other_machines_cannot_install_is_refused(
    line: str, sentence: str, home: Path
) -> None:
    (home / "requirements.txt").write_text(f"{line}\n")
    with pytest.raises(Refused) as raised:
        build(write_notebook(home / "heat.ipynb", HEAD, CELL))
    assert sentence.removeprefix("line 1: ") in raised.value.message
    assert "requirements.txt:1: " in raised.value.message
    assert "pw" not in raised.value.message
