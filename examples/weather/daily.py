"""The mean heat index of each station and day, on the weather of the topic ``weather``."""

import pyudf as pu

from heat import heat_index

app = pu.App("daily")
weather = app.topic("weather", key="station", time="time")
felt = weather.with_columns(heat_index=heat_index)
felt.window(pu.tumbling("1d", grace="1h")).agg(mean=pu.mean("heat_index")).to("daily")
