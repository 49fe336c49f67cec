"""A real Jupyter kernel: replay, show, head, and a cell that raises."""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat as untyped
import pytest

from pyudf.bundling import build

EXAMPLES = Path(__file__).parents[3] / "examples"
NOTEBOOKS = ("couriers", "heat", "model")

nbformat: Any = untyped

pytestmark = [
    pytest.mark.timeout(180),
    # Jupyter's own client.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def own_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the kernel be this interpreter, with nothing of the user's own."""
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": start, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def executed(notebook: Any, directory: Path) -> Any:
    client = nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(directory)}}, allow_errors=True
    )
    return client.execute()


def of_cells(*sources: str) -> Any:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])


def said(cell: Any) -> str:
    texts = []
    for output in cell.outputs:
        data = output.get("data", {})
        texts += [output.get("text", ""), data.get("text/html", ""), data.get("text/plain", "")]
        texts += output.get("traceback", [])
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(texts))


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """Return a copy of the directory, as notebooks write files; the data lies beside it."""
    for name in ("couriers", "notebooks", "weather"):
        shutil.copytree(EXAMPLES / name, tmp_path / "examples" / name)
    return tmp_path / "examples" / "notebooks"


def run(directory: Path, name: str) -> list[str]:
    """Run a notebook, none of whose cells may raise, and return what each said."""
    notebook = executed(nbformat.read(directory / f"{name}.ipynb", 4), directory)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
        assert not [out for out in cell.outputs if out.output_type == "error"], said(cell)
    return [said(cell) for cell in cells]


def test_the_heat_index_runs_from_first_cell_to_last(notebooks: Path) -> None:
    shown, drawn, hottest, replayed = run(notebooks, "heat")[3:7]
    assert "<table>" in shown and "3 of 26,115 records" in shown
    assert "<svg" in drawn
    assert "2013-07" in hottest or "hottest" in hottest
    assert "Replay of 26,115 records" in replayed and "<b>daily</b>" in replayed


def test_the_couriers_run_from_first_cell_to_last(notebooks: Path) -> None:
    texts = run(notebooks, "couriers")
    shown, drawn, late = texts[3:6]
    assert "5 of 5 records" in shown
    assert "<svg" in drawn
    assert "dia" in late and "2024-05-01T11:40:00Z" in late
    replayed, dead = texts[7], texts[9]
    assert "<b>active</b>" in replayed and "<b>.late</b>" in replayed and "<b>.dead</b>" in replayed
    assert "ValueError" in dead and "bad_timestamp" in dead


def test_the_model_runs_from_first_cell_to_last(notebooks: Path) -> None:
    texts = run(notebooks, "model")
    assert "[0.0, 1.5, -0.5]" in texts[2]
    off = re.search(r"off by (.+) °F, .* by (.+)'", texts[5])
    assert off is not None and float(off[1]) < float(off[2])
    assert "<b>forecast</b>: 26,115 records" in texts[7]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_without_outputs(name: str) -> None:
    notebook = json.loads((EXAMPLES / "notebooks" / f"{name}.ipynb").read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in cells if cell["outputs"] or cell["execution_count"]] == []


@pytest.mark.parametrize(
    ("name", "files", "packages"),
    [
        ("heat", {"heat_notebook.py"}, set()),
        ("couriers", {"couriers_notebook.py"}, set()),
        ("model", {"model_notebook.py", "forecast.joblib"}, {"joblib", "numpy", "scikit-learn"}),
    ],
)
def test_a_notebook_goes_into_a_bundle_without_its_exploring(
    name: str, files: set[str], packages: set[str], notebooks: Path
) -> None:
    if "forecast.joblib" in files:
        run(notebooks, name)
    bundle = build(str(notebooks / f"{name}.ipynb"))
    assert set(bundle.content.files) == files
    assert {r.partition("==")[0] for r in bundle.content.manifest.requirements} == packages
    taken = "\n".join(part.text for part in bundle.parts if part.taken)
    for exploring in ("replay(", "read_", "head()", "show(", "fit(", "month(", "assert"):
        assert exploring not in taken, exploring


BEGIN = """
import pyudf as pu
def inner(x):
    return 1 / x
def outer(x: float) -> float:
    return inner(x)
app = pu.App("cells")
rows = app.topic("rows")
rows.with_columns(y=outer).to("out")
"""


def test_an_error_is_the_users_own_in_its_cell(tmp_path: Path) -> None:
    notebook = executed(
        of_cells(BEGIN, 'app.replay([{"x": 1.0}, {"x": 0.0}])', "rows.head()", "app.topic('rows')"),
        tmp_path,
    )
    assert not notebook.cells[0].outputs
    text = said(notebook.cells[1])
    assert "ZeroDivisionError" in text
    assert "return 1 / x" in text and "return inner(x)" in text
    assert "pyudf" + os.sep not in text and "_replaying" not in text, text
    assert "In [1], line" in said(notebook.cells[3])


def test_a_dead_letter_names_the_cell(tmp_path: Path) -> None:
    ask = "print(app.replay([{'x': 0.0}], errors='collect').dead['traceback'][0])"
    text = said(executed(of_cells(BEGIN, ask), tmp_path).cells[1])
    assert 'File "In [1]", line 5, in outer\n    return inner(x)\n' in text
    assert 'File "In [1]", line 3, in inner\n    return 1 / x\n' in text


def test_cells_that_run_twice_and_change_work_anew(tmp_path: Path) -> None:
    again = BEGIN.replace("1 / x", "10 * x")
    ask = 'app.replay([{"x": 2.0}])["out"].to_pylist()'
    notebook = executed(of_cells(BEGIN, ask, BEGIN, ask, again, ask), tmp_path)
    assert [said(notebook.cells[i]).strip() for i in (1, 3, 5)] == [
        "[{'x': 2.0, 'y': 0.5}]",
        "[{'x': 2.0, 'y': 0.5}]",
        "[{'x': 2.0, 'y': 20.0}]",
    ]
