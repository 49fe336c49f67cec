"""The wheel: what it carries, its tag, and that one install gives the import and the command."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

import pyudf
from pyudf import _harness
from pyudf.testing import PipelineError

PROJECT = Path(__file__).resolve().parents[1]
HERE = Path(sysconfig.get_path("purelib"))


def build(program: str | None, into: Path) -> Path:
    """The wheel that carries a program, or none."""
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    environ.pop("PYUDF_WHEEL_PROGRAM", None)
    if program is not None:
        environ["PYUDF_WHEEL_PROGRAM"] = program
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    subprocess.run(command, cwd=PROJECT, env=environ, check=True, capture_output=True, timeout=120)
    [wheel] = into.glob("*.whl")
    return wheel


def small_program() -> str:
    """A program of this machine that needs glibc alone, as pyudf does."""
    found = shutil.which("true")
    assert found is not None
    return found


def run(environment: Path, command: Sequence[str], cwd: Path) -> str:
    """What a command of an environment that is not active prints."""
    environ = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYUDF", "VIRTUAL"))
    }
    command = [str(environment / "bin" / command[0]), *command[1:]]
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it, installed without an index.

    What pyudf depends on is borrowed from the environment of the tests.
    """
    try:
        program = _harness.find_program()
    except PipelineError as err:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(err))
    root = tmp_path_factory.mktemp("wheel")
    wheel = build(program, root / "dist")
    venv.create(root / "env", symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(root / "env" / "bin" / "python")]
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *options, str(wheel)], check=True, timeout=120)
    [site] = (root / "env" / "lib").glob("python*/site-packages")
    (site / "borrowed.pth").write_text(f"{HERE}\n")
    return root / "env"


@pytest.mark.timeout(180)
def test_an_install_gives_the_import_and_the_command(environment: Path) -> None:
    where = run(environment, ["python", "-c", "import pyudf; print(pyudf.__file__)"], environment)
    assert Path(where).is_relative_to(environment)
    said = run(environment, ["pyudf", "--version"], environment)
    assert re.match(r"pyudf \S+.* \(go\d\S*, linux/\w+\)\n", said)


@pytest.mark.timeout(180)
def test_the_package_finds_the_command_beside_its_interpreter(environment: Path) -> None:
    code = "from pyudf import _harness; print(_harness.find_program())"
    said = run(environment, ["python", "-c", code], environment)
    assert said.strip() == str(environment / "bin" / "pyudf")


@pytest.mark.timeout(180)
def test_the_command_runs_functions_in_its_own_environment(
    environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "features.py").write_text(
        "import sys\n\n\ndef prefix(temp_f: float) -> str:\n    return f'{sys.prefix} {temp_f}'\n"
    )
    (tmp_path / "in.csv").write_text("temp_f\n68.5\n")
    files = ["--from", "in.csv", "--to", "out.jsonl"]
    run(environment, ["pyudf", "run", "features.py:prefix", *files, "--column", "p"], tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert rows == [{"temp_f": 68.5, "p": f"{environment} 68.5"}]


@pytest.mark.timeout(180)
def test_an_environment_of_an_engine_node_gets_the_package_of_the_wheel(
    environment: Path, tmp_path: Path
) -> None:
    other = tmp_path / "env"
    venv.create(other, symlinks=True)
    link = ["python", "-m", "pyudf._environment", "link", str(other / "bin" / "python")]
    run(environment, link, tmp_path)
    [linked] = (other / "lib").glob("python*/site-packages/pyudf")
    [package] = (environment / "lib").glob("python*/site-packages/pyudf")
    assert linked.resolve() == package.resolve()
    code = "from importlib import metadata; print(metadata.version('pyudf'))"
    assert run(other, ["python", "-c", code], tmp_path).strip() == pyudf.__version__


def test_a_wheel_with_a_program_says_where_that_runs(tmp_path: Path) -> None:
    wheel = build(small_program(), tmp_path)
    assert re.fullmatch(
        rf"pyudf-{re.escape(pyudf.__version__)}-py3-none-manylinux_2_\d+_\w+\.whl", wheel.name
    )
    with zipfile.ZipFile(wheel) as archive:
        [program] = [info for info in archive.infolist() if "/scripts/" in info.filename]
        assert program.filename.endswith(".data/scripts/pyudf")
        assert program.external_attr >> 16 & 0o111 == 0o111
        assert archive.read(program) == Path(small_program()).read_bytes()
        assert not [name for name in archive.namelist() if "__pycache__" in name]


def test_a_wheel_without_a_program_is_pure_python(tmp_path: Path) -> None:
    assert build(None, tmp_path).name.endswith("-py3-none-any.whl")


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (build(small_program(), tmp_path / name) for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_a_program_that_not_every_linux_runs_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        build(str(script), tmp_path)
    assert b"is no ELF program" in failed.value.stderr
