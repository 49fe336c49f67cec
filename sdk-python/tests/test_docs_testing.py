"""docs/testing.md does what it says: its code is run, and each of its tests is one."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"


def code() -> dict[str, Any]:
    """What the page's blocks define, run one after the other as one module."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    namespace: dict[str, Any] = {"__name__": "testing_page"}
    exec(compile("\n".join(blocks), str(PAGE), "exec"), namespace)
    return namespace


TESTS = [value for name, value in code().items() if name.startswith("test_")]


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_the_page_is_right(test: Callable[[], None]) -> None:
    test()


def test_a_session_takes_five_lines() -> None:
    page = PAGE.read_text()
    start = page.index("    with run(app) as t:\n")
    assert page[start : page.index("```", start)].count("\n") == 5
    assert not inspect.signature(TESTS[0]).parameters
