"""Ours: the function as it stands, as a column."""

import os

import pyudf as pu

from heat import heat_index

app = pu.App("bench-scalar")
weather = app.topic(os.environ.get("IN", "weather"), key="station")
app.udf(weather, to=os.environ.get("OUT", "heat"), column="heat_index")(heat_index)
