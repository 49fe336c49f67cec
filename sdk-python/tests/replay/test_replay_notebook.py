"""A real Jupyter kernel: replay, show, head, and a cell that raises."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat as untyped
import pytest

EXAMPLES = Path(__file__).parents[3] / "examples" / "notebooks"

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


def test_the_heat_index_runs_from_first_cell_to_last() -> None:
    notebook = executed(nbformat.read(EXAMPLES / "heat.ipynb", 4), EXAMPLES)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
        assert not [out for out in cell.outputs if out.output_type == "error"], said(cell)
    shown, drawn, hottest, replayed = map(said, cells[3:7])
    assert "<table>" in shown and "3 of 26,115 records" in shown
    assert "<svg" in drawn
    assert "2013-07" in hottest or "hottest" in hottest
    assert "Replay of 26,115 records" in replayed and "<b>daily</b>" in replayed


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


def test_cells_that_run_twice_and_change_work_anew(tmp_path: Path) -> None:
    again = BEGIN.replace("1 / x", "10 * x")
    ask = 'app.replay([{"x": 2.0}])["out"].to_pylist()'
    notebook = executed(of_cells(BEGIN, ask, BEGIN, ask, again, ask), tmp_path)
    assert [said(notebook.cells[i]).strip() for i in (1, 3, 5)] == [
        "[{'x': 2.0, 'y': 0.5}]",
        "[{'x': 2.0, 'y': 0.5}]",
        "[{'x': 2.0, 'y': 20.0}]",
    ]
