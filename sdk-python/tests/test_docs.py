"""The first page of the documentation: its commands print what the page shows.

``pytest --rewrite`` writes what they print into the page.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyudf import _harness
from pyudf.testing import PipelineError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "index.md"
NOTEBOOK = PAGE.with_name("heat.ipynb")
FILE = re.compile(r'^```\w+ title="([^"\n]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^```console\n\$ ([^\n]+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

CELL = re.compile(r"(.+\.ipynb) \[\d+\]")

# What varies from run to run: how long it took and how fast that was, addresses, nodes, moments
# and people.
VARYING = re.compile(
    r"[\d.,]+ s, [\d,]+ records?/s|127\.0\.0\.1:\d+|\bn[a-z2-7]{12}\b"
    r"|\b20[2-9]\d-\d\d-\d\dT\S+Z  \S+$|Python 3\.\d+",
    re.MULTILINE,
)
# Log lines, what is said only where a moment passes, and variables that are needed only where
# addresses are others.
PASSING = re.compile(
    r"^(\d\d:\d\d:\d\d (info|warn) .*|waiting for \d+ of \d+ nodes|  export PYUDF_\w+=.*)\n",
    re.MULTILINE,
)


def mask(text: str) -> str:
    """A text without what varies."""
    return VARYING.sub("VARYING", text)


def wait_for(ready: Path, process: subprocess.Popen[bytes]) -> str:
    """What a program writes once it is ready."""
    until = time.monotonic() + 30
    while not ready.exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    return ready.read_text().strip()


def dev(environ: dict[str, str], cwd: Path) -> Iterator[dict[str, str]]:
    """A broker and a node at work; yields where they are. What they say goes to a file."""
    broker, engine = cwd / "broker", cwd / "engine"
    command = ["pyudf", "dev", "--addr", "127.0.0.1:0"]
    command += ["--ready-file", str(broker), "--engine-ready-file", str(engine)]
    with (
        (cwd / "said").open("wb") as said,
        subprocess.Popen(command, env=environ, cwd=cwd, stdout=said) as process,
    ):
        try:
            brokers, url = wait_for(broker, process), wait_for(engine, process)
            yield {"PYUDF_BROKERS": brokers, "PYUDF_ENGINE": url}
        finally:
            process.terminate()


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a new user in an empty home, with the command and a broker."""
    try:
        program = Path(_harness.find_program())
    except PipelineError as err:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(err))
    home = tmp_path / "home"
    home.mkdir()
    path = f"{program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    mine = {"HOME": str(home), "PATH": path, "VIRTUAL_ENV": sys.prefix}
    if "PYTHONPATH" in os.environ:
        mine["PYTHONPATH"] = os.environ["PYTHONPATH"]
    for addresses in dev(mine, tmp_path):
        yield {**mine, **addresses}


def printed(command: str, environ: dict[str, str], cwd: Path) -> str:
    """What a command prints for people."""
    done = subprocess.run(
        ["bash", "-c", command],
        env=environ,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=100,
        check=False,
    )
    said = PASSING.sub("", done.stdout.decode())
    assert done.returncode == 0, said
    return said.replace(f"{cwd}/", "")


def shown_in_time(command: str, shown: str, environ: dict[str, str], cwd: Path) -> str:
    """What a command prints once it is what the page shows, or at last: results take a moment."""
    until = time.monotonic() + 20
    said = printed(command, environ, cwd)
    while command.startswith("pyudf tail") and mask(said) != mask(shown):
        if time.monotonic() > until:
            break
        time.sleep(0.2)
        said = printed(command, environ, cwd)
    return said


def notebook(cells: list[str]) -> dict[str, object]:
    """A notebook with these cells."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"cell-{number}",
                "metadata": {},
                "outputs": [],
                "source": text.rstrip("\n").splitlines(keepends=True),
            }
            for number, text in enumerate(cells, 1)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write_files(page: str, work: Path) -> None:
    """Write what the page shows as files, cells of a notebook among them."""
    cells: dict[str, list[str]] = {}
    for name, text in FILE.findall(page):
        if cell := CELL.fullmatch(name):
            cells.setdefault(cell[1], []).append(text)
        else:
            (work / name).write_text(text)
    for name, texts in cells.items():
        (work / name).write_text(json.dumps(notebook(texts)))


@pytest.mark.timeout(240)
def test_the_first_page_shows_what_its_commands_print(
    environ: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    page = PAGE.read_text()
    write_files(page, work)
    for command, shown in COMMAND.findall(page):
        if command == "pyudf dev":  # it runs already, at ports that are free
            said = PASSING.sub("", (tmp_path / "said").read_text())
        else:
            said = shown_in_time(command, shown, environ, work)
        if request.config.getoption("--rewrite"):
            page = page.replace(f"$ {command}\n{shown}```", f"$ {command}\n{said}```", 1)
            continue
        assert mask(said) == mask(shown), command
    if request.config.getoption("--rewrite"):
        PAGE.write_text(page)


def test_the_notebook_beside_the_first_page_has_its_cells() -> None:
    cells = [text for name, text in FILE.findall(PAGE.read_text()) if CELL.fullmatch(name)]
    assert json.loads(NOTEBOOK.read_text()) == notebook(cells)
