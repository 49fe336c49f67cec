"""Passes records through a function that takes and gives them whole."""

import os
from typing import Any

import pyudf as pu

app = pu.App(os.environ["APP"])


@app.udf(app.topic(os.environ["IN"]), to=os.environ["OUT"])
def whole(row: dict[str, Any]) -> dict[str, Any]:
    return row
