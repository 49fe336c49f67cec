"""docs/replay.md does what it says: its code is run."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "replay.md"


def test_the_page_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = {"station": ["EWR"], "time": ["2013-01-01T06:00:00Z"], "temp_f": [212.0]}
    pd.DataFrame(rows).to_csv("weather.csv", index=False)
    names: dict[str, Any] = {"__name__": "replay_page"}
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    exec(compile(code, str(PAGE), "exec"), names)
    assert names["replay"]["metric"]["temp_c"].tolist() == [100.0]
