"""Ours: the function inside one that takes and gives whole records."""

import os
from typing import Any

import pyudf as pu

from heat import heat_index

app = pu.App("bench-record")
weather = app.topic(os.environ.get("IN", "weather"), key="station")


@app.udf(weather, to=os.environ.get("OUT", "heat"))
def heat(row: dict[str, Any]) -> dict[str, Any]:
    """The reading with its heat index."""
    row["heat_index"] = heat_index(row["temp_f"], row["rh"])
    return row
