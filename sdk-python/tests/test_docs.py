"""The first page of the documentation: its commands print what the page shows.

``pytest --rewrite`` writes what they print into the page.
"""

from __future__ import annotations

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
FILE = re.compile(r'^```\w+ title="([^"\n]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^```console\n\$ ([^\n]+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# What varies from run to run: how long it took, how fast that was, and the log lines in between.
VARYING = re.compile(r"[\d.,]+ s, [\d,]+ records?/s")
LOGGED = re.compile(r"^\d\d:\d\d:\d\d (info|warn) .*\n", re.MULTILINE)


def mask(text: str) -> str:
    """A text without what varies."""
    return VARYING.sub("TIME", text)


def broker(environ: dict[str, str], cwd: Path) -> Iterator[str]:
    """An embedded broker, while it is asked for nothing more; yields its address."""
    ready = cwd / "ready"
    command = ["pyudf", "dev", "--addr", "127.0.0.1:0", "--ready-file", str(ready)]
    with subprocess.Popen(command, env=environ, cwd=cwd, stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 30
            while not ready.exists():
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
            yield ready.read_text().strip()
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
    for address in broker(mine, tmp_path):
        yield {**mine, "PYUDF_BROKERS": address}


def printed(command: str, environ: dict[str, str], cwd: Path) -> str:
    """What a command prints for people."""
    done = subprocess.run(
        ["bash", "-c", command],
        env=environ,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    said = LOGGED.sub("", done.stdout.decode())
    assert done.returncode == 0, said
    return said.replace(f"{cwd}/", "")


@pytest.mark.timeout(120)
def test_the_first_page_shows_what_its_commands_print(
    environ: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    page = PAGE.read_text()
    for name, text in FILE.findall(page):
        (work / name).write_text(text)
    for command, shown in COMMAND.findall(page):
        if command == "pyudf dev":  # it runs already, at a port that is free
            continue
        said = printed(command, environ, work)
        if request.config.getoption("--rewrite"):
            page = page.replace(f"$ {command}\n{shown}```", f"$ {command}\n{said}```", 1)
            continue
        assert mask(said) == mask(shown), command
    if request.config.getoption("--rewrite"):
        PAGE.write_text(page)
