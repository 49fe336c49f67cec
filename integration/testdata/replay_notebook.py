"""Runs a notebook from its first cell to its last, and writes what its replay had and what it gave.

    replay_notebook.py NOTEBOOK DIRECTORY TOPIC=NAME...

NAME is what the notebook calls the DataFrame that it replays as TOPIC; its app is `app`, its
replay `replay`. Of DIRECTORY the files in `input` are the records that went in, those in `closed`
what the notebook's replay gave, and those in `open` what the same replay gives with flush=False.
All are JSON lines; floats have the digits that give the same double again.
"""

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyudf as pu
from pyudf.replay import Replay

HERE = Path(__file__).parent


def plain(value: Any) -> Any:
    """A value as JSON has it: what is missing in a frame is null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The records of a frame."""
    for row in frame.to_dict("records"):
        yield {str(name): plain(value) for name, value in row.items()}


def save(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write records as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record, allow_nan=False) + "\n" for record in records))


def save_replay(directory: Path, replay: Replay) -> None:
    """Write what a replay gave."""
    for name, frame in replay.items():
        save(directory / f"{name}.jsonl", rows(frame))
    save(directory / "late.jsonl", () if replay.late is None else rows(replay.late))
    save(directory / "dead.jsonl", rows(replay.dead))


def record(app: pu.App, data: Mapping[str, pd.DataFrame], replay: Replay, to: str) -> None:
    """Write all: the last cell of the notebook calls this."""
    directory = Path(to)
    for topic, frame in data.items():
        save(directory / "input" / f"{topic}.jsonl", rows(frame))
    save_replay(directory / "closed", replay)
    save_replay(directory / "open", app.replay(data, flush=False, errors="collect"))


def execute(notebook: Path, last: str) -> None:
    """Run all cells of a notebook and one more, in a kernel of this interpreter."""
    import nbclient  # noqa: PLC0415 - the kernel has no use for it
    import nbformat as untyped  # noqa: PLC0415

    nbformat: Any = untyped
    cells = nbformat.read(notebook, 4)
    cells.cells.append(nbformat.v4.new_code_cell(last))
    resources = {"metadata": {"path": str(notebook.parent)}}
    nbclient.NotebookClient(cells, timeout=300, resources=resources).execute()


def own_kernel(directory: str) -> None:
    """Have the kernel be this interpreter, with nothing of the user's own."""
    kernel = Path(directory) / "kernels" / "python3"
    kernel.mkdir(parents=True)
    start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": start, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    os.environ |= {"JUPYTER_PATH": directory, "JUPYTER_PLATFORM_DIRS": "1", "IPYTHONDIR": directory}


def main() -> None:
    """Do what the command line says."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("notebook", type=Path)
    options.add_argument("directory")
    options.add_argument("data", nargs="+", metavar="TOPIC=NAME")
    asked = options.parse_args()
    data = ", ".join("{!r}: {}".format(*pair.split("=")) for pair in asked.data)
    last = (
        f"import sys\nsys.path.append({str(HERE)!r})\n"
        "from replay_notebook import record\n"
        f"record(app, {{{data}}}, replay, {asked.directory!r})"
    )
    with tempfile.TemporaryDirectory() as directory:
        own_kernel(directory)
        execute(asked.notebook, last)


if __name__ == "__main__":
    main()
