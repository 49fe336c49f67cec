"""Frames and graphs for people: HTML in a notebook, text on a terminal."""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pyudf._harness import PipelineError, find_program
from pyudf.plan.v1 import plan_pb2

if TYPE_CHECKING:
    from pyudf.replay import Replay

__all__ = ["display", "head", "in_notebook", "replayed", "show", "svg"]

_ROWS: Final = 5
_PATIENCE: Final = 10.0
_WIDEST: Final = 60


def in_notebook() -> bool:
    """Tell whether a kernel runs this, without importing IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def display(text: str) -> Callable[[str], None]:
    """Show HTML in a notebook; return what puts other HTML in its place."""
    shown: Any = sys.modules["IPython"].display
    handle = shown.display(_bundle(text), raw=True, display_id=True)
    return lambda other: handle.update(_bundle(other), raw=True)


def _bundle(text: str) -> dict[str, str]:
    return {"text/html": text, "text/plain": ""}


def head(frame: Any, rows: int) -> Any:
    """Return the first rows of a frame of any library."""
    return frame.head(rows) if hasattr(frame, "head") else frame.slice(0, rows)


def replayed(replay: Replay) -> str:
    """Return the counts of a replay and the first records of each result."""
    lines = str(replay).splitlines()
    parts = [f"<p>{html.escape(lines[0])}</p>"]
    parts += [_titled(name, frame, _ROWS) for name, frame in replay.results.items()]
    for name, frame in (("late", replay.late), ("dead", replay.dead)):
        if frame is not None and len(frame):
            parts.append(_titled(f".{name}", frame, _ROWS))
    return "\n".join(parts)


def show(replay: Replay, frame: Any, rows: int) -> None:
    """Show the first rows of a frame, and the counts of the replay that it comes from."""
    summary = str(replay).splitlines()[0]
    count = f"{min(rows, len(frame)):,} of {len(frame):,} records. {summary}"
    if in_notebook():
        display(f"{_table(frame, rows)}<p>{html.escape(count)}</p>")
        return
    shown = head(frame, rows)
    text = shown.to_string() if hasattr(shown, "iloc") else str(shown)
    sys.stdout.write(f"{text}\n{count}\n")


def _titled(name: str, frame: Any, rows: int) -> str:
    title = f"<b>{html.escape(name)}</b>: {len(frame):,} records"
    return f"<p>{title}</p>{_table(frame, rows)}"


def _table(frame: Any, rows: int) -> str:
    found = _rows(head(frame, rows))
    names = frame.column_names if hasattr(frame, "column_names") else list(frame.columns)
    heads = "".join(f"<th>{html.escape(str(name))}</th>" for name in names)
    lines = ("".join(f"<td>{_cell(row.get(name))}</td>" for name in names) for row in found)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _rows(frame: Any) -> list[dict[str, Any]]:
    if hasattr(frame, "to_pylist"):
        rows: list[dict[str, Any]] = frame.to_pylist()
        return rows
    rows = frame.to_dicts() if hasattr(frame, "to_dicts") else frame.to_dict("records")
    return rows


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    if len(text) > _WIDEST:
        text = text[: _WIDEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return html.escape(text)


def svg(plan: plan_pb2.Plan) -> str | None:
    """Return the graph of a plan as the engine draws it; None without an engine that can."""
    try:
        program = find_program()
    except PipelineError:
        return None
    drawn = subprocess.run(
        [program, "plan", "--stdin", "--format", "svg"],
        input=plan.SerializeToString(),
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
    )
    return drawn.stdout.decode() if drawn.returncode == 0 else None
