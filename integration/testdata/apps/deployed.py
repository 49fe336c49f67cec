"""What tests deploy, with other names, another version and sometimes another width in the place
of those that stand below.

Each version marks its records; they are counted in windows by sensor and, behind a hop, by region.
"""

import pyudf as pu

IN, OUT = "IN", "OUT"
VERSION = 1
WIDTH = "10ms"

app = pu.App("APP")
when = pu.event_time("ts", unit="ms", out_of_order="0s", idle="5m")


def version(n: int) -> int:
    return VERSION


marked = app.topic(IN, key="k", time=when).with_columns(version=version)
marked.to(OUT)
marked.window(pu.tumbling(WIDTH)).agg(n=pu.count(), total=pu.sum("n")).to(OUT + "-windows")
regions = marked.key_by("region").window(pu.tumbling("10ms"))
regions.agg(n=pu.count(), version=pu.max("version")).to(OUT + "-regions")
