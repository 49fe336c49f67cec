"""What goes of a notebook defines the app that the whole notebook defines."""

import contextlib
import sys
from pathlib import Path

import pytest

from bundling.jupyter import cells_of, run_all, write_notebook
from bundling.shapes import SHAPES
from pyudf.bundling import build, write_bundle
from pyudf.bundling._magics import clean
from pyudf.loading import home_of, load


def forget(module: str) -> object:
    """Take a module out of the way, with those that lie beside it; return it."""
    for name in [n for n in sys.modules if n.split(".")[0] == "helpers"]:
        del sys.modules[name]
    return sys.modules.pop(module)


@pytest.mark.usefixtures("exploring")
@pytest.mark.parametrize("shape", SHAPES)
def test_the_plan_and_the_functions_are_those_of_the_whole_notebook(
    shape: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SHAPES[shape]
    probe = text.partition("\n")[0].removeprefix("# probe: ")
    cells = cells_of(text)
    path = write_notebook(home / "heat.ipynb", *cells)
    sys.path.insert(0, str(home))
    with contextlib.chdir(home):
        whole = run_all(path, cells, lambda text: clean(text).text)
        name = next(k for k, v in vars(whole).items() if type(v).__name__ == "App")
        plan = vars(whole)[name].plan().SerializeToString(deterministic=True)
        value = eval(probe, vars(whole))
        forget("heat_notebook")

    assert load(path).plan().SerializeToString(deterministic=True) == plan
    with contextlib.chdir(home):
        assert eval(probe, vars(forget("heat_notebook"))) == value

    bundle = build(path)
    file = str(home.parent / bundle.file_name)
    write_bundle(bundle.content, file)
    capsys.readouterr()
    sys.path.remove(str(home))
    packed = load(file).plan()
    places = [s.defined_at for s in packed.sources]
    places += [s.defined_at for s in packed.steps] + [f.defined_at for f in packed.functions]
    for place in places:
        place.file = str(home / place.file)
    assert packed.SerializeToString(deterministic=True) == plan
    assert capsys.readouterr().out == ""
    there = home_of(file)
    assert there is not None
    with contextlib.chdir(there):
        assert eval(probe, vars(forget("heat_notebook"))) == value
