"""A user's file is loaded as Python itself would run it, or the one thing to mend is said."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pyudf as pu
from pyudf.loading import content_hash, load, load_function

APP = """
import pyudf as pu
app = pu.App("heat")
app.topic("weather").to("copy")
"""

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Write files into an empty directory; afterwards modules and path are as before."""
    path = list(sys.path)

    def write(name: str, text: str) -> str:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return str(file)

    yield write
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def refused(target: str) -> pu.LoadError:
    with pytest.raises(pu.LoadError) as raised:
        load(target)
    return raised.value


def test_the_app_of_a_file_is_found(write: Write) -> None:
    app = load(write("heat_app.py", APP))
    assert app.name == "heat"
    assert app.plan().sources[0].topic.name == "weather"


def test_two_names_for_one_app_are_one_app(write: Write) -> None:
    assert load(write("heat_app.py", APP + "same = app\n")).name == "heat"


def test_modules_beside_the_file_are_found_and_the_file_is_a_module(write: Write) -> None:
    write("beside.py", "from dataclasses import dataclass\n@dataclass\nclass Row:\n    a: float\n")
    path = write(
        "heat_app.py",
        "from beside import Row\n" + APP + "import pickle\n"
        "class Own: pass\n"
        "assert isinstance(pickle.loads(pickle.dumps(Own())), Own)\n"
        "assert __name__ == 'heat_app'\n",
    )
    load(path)
    assert sys.path[0] == str(Path(path).parent)
    assert sys.modules["heat_app"].__file__ == path


def test_a_file_that_changed_is_loaded_anew(write: Write) -> None:
    load(write("heat_app.py", APP))
    assert load(write("heat_app.py", APP.replace('"heat"', '"heat-two"'))).name == "heat-two"


def test_a_missing_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused("app.py").message == f"there is no file 'app.py' in {tmp_path}"


def test_what_is_no_python_file_is_refused(write: Write) -> None:
    assert "is no Python file; its name must end in .py" in refused(write("a.txt", "")).message


def test_a_file_named_like_a_module_of_python_is_refused(write: Write) -> None:
    for name in ("json.py", "pyudf.py", "pytest.py"):
        assert "has the name of the module" in refused(write(name, APP)).message


def test_a_file_without_an_app_is_refused(write: Write) -> None:
    assert 'defines no app; write app = pu.App("name")' in refused(write("none.py", "")).message


def test_a_file_with_several_apps_asks_which(write: Write) -> None:
    path = write("several.py", APP + 'other = pu.App("other")\n')
    assert refused(path).message == (
        f"{path} defines several apps; name the one to run: {path}:app, {path}:other"
    )
    assert load(f"{path}:other").name == "other"
    assert (
        "defines no app 'othr'; known apps: app, other; did you mean other?"
        in refused(f"{path}:othr").message
    )


def test_a_syntax_error_is_shown_where_it_is(write: Write) -> None:
    path = write("wrong.py", "x = 1\ndef f(:\n    pass\n")
    error = refused(path)
    assert error.message == f"{path}:2: SyntaxError: invalid syntax"
    assert "def f(:" in error.traceback
    assert "loading.py" not in error.traceback


def test_a_missing_module_is_named_with_the_line_and_the_interpreter(write: Write) -> None:
    write("beside.py", "\nimport no_such_module\n")
    path = write("app_file.py", "import beside\n")
    error = refused(path)
    assert error.message == (
        f"{Path(path).parent}/beside.py:2: there is no module 'no_such_module' in the Python "
        f"environment of {sys.executable}; install it there, or choose another interpreter"
    )
    files = [line.split('"')[1] for line in error.traceback.splitlines() if "File " in line]
    assert files == [path, f"{Path(path).parent}/beside.py"]


def test_an_exception_is_shown_with_the_users_own_frames(write: Write) -> None:
    path = write(
        "raises.py",
        "def f():\n    return 1 / 0\ntry:\n    f()\n"
        "except ZeroDivisionError as err:\n    raise ValueError('no') from err\n",
    )
    error = refused(path)
    assert error.message == f"{path}:6: ValueError: no"
    assert "ZeroDivisionError: division by zero" in error.traceback
    assert "loading.py" not in error.traceback
    assert "importlib" not in error.traceback


def test_a_definition_error_says_it_all(write: Write) -> None:
    path = write("heat_app.py", APP + "app.topic('weather')\n")
    error = refused(path)
    assert error.message.startswith(f"{path}:5: topic 'weather' is already read, at {path}:4; use")
    assert error.traceback == ""


def test_a_file_that_exits_is_refused(write: Write) -> None:
    error = refused(write("exits.py", "import sys\nsys.exit(3)\n"))
    assert "ended Python (SystemExit(3)) while it was loaded; put what runs it" in error.message


def test_a_file_that_failed_leaves_no_module(write: Write) -> None:
    refused(write("raises.py", "1 / 0\n"))
    assert "raises" not in sys.modules


FEATURES = """
def heat_index(temp_f: float, rh: float) -> float:
    return temp_f + rh

def slim(row: dict) -> dict:
    return row

def loose(x):
    return x
"""


def test_a_plain_function_becomes_an_app(write: Write) -> None:
    path = write("features.py", FEATURES)
    app = load_function(
        f"{path}:heat_index", source="weather", to="heat", column="hi", key="station", time="time"
    )
    plan = app.plan()
    assert plan.app == "heat_index"
    assert (plan.sources[0].topic.name, plan.sources[0].key, plan.sources[0].time.field) == (
        "weather",
        "station",
        "time",
    )
    assert [s.WhichOneof("op") for s in plan.steps] == ["with_columns", "to"]
    assert plan.steps[0].with_columns.columns[0].name == "hi"
    assert plan.steps[1].to.topic.name == "heat"
    for position in (
        plan.sources[0].defined_at,
        plan.steps[0].defined_at,
        plan.steps[1].defined_at,
    ):
        assert (position.file, position.line) == (path, 2)


def test_a_column_is_named_like_the_function_and_records_need_none(write: Write) -> None:
    path = write("features.py", FEATURES)
    app = load_function(f"{path}:heat_index", source="w.csv", to="h.jsonl", column=None)
    assert app.plan().steps[0].with_columns.columns[0].name == "heat_index"
    assert app.plan().sources[0].file.path == "w.csv"
    assert app.plan().steps[1].to.file.path == "h.jsonl"
    records = load_function(f"{path}:slim", source="weather", to="out", column=None)
    assert records.plan().steps[0].WhichOneof("op") == "map"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "names no function; write "),
        (":heat", "has no function 'heat'; known functions: heat_index, slim, loose; did you mean"),
        (":loose", "features.py:8: loose: parameter x has no annotation; for a field write"),
    ],
)
def test_a_function_that_cannot_be_run_is_refused(write: Write, name: str, sentence: str) -> None:
    path = write("features.py", FEATURES)
    with pytest.raises(pu.LoadError) as raised:
        load_function(path + name, source="weather", to="out", column=None)
    assert sentence in raised.value.message


def test_the_hash_is_that_of_the_users_modules(write: Write) -> None:
    write("beside.py", "A = 1\n")
    write("unused.py", "B = 1\n")
    path = write("heat_app.py", "import beside\n" + APP)
    first = content_hash(load(path))
    assert len(bytes.fromhex(first)) == 32
    assert content_hash(load(path)) == first
    write("unused.py", "B = 2\n")
    assert content_hash(load(path)) == first
    write("beside.py", "A = 2\n")
    assert content_hash(load(path)) != first


def test_the_hash_is_the_same_in_another_directory(write: Write) -> None:
    one = content_hash(load(write("one/heat_app.py", APP)))
    del sys.modules["heat_app"]
    two = content_hash(load(write("two/heat_app.py", APP)))
    assert one == two
